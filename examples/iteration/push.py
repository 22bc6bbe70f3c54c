"""Push the import, and show how far it has come until it is done."""

from __future__ import annotations

import time
from pathlib import Path

from jobs import ImportUsers

from kiq.api import IterationState

if __name__ == "__main__":
    jid = ImportUsers.perform_async(str(Path(__file__).with_name("users.csv")))
    print(f"pushed {jid}")
    while jid is not None:
        state = IterationState.find(jid)
        if state is not None and state.done_at is not None:
            print(f"done in {state.executions} runs and {state.runtime:.1f} s")
            break
        time.sleep(0.2)
