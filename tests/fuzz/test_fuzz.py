"""The short form of the fuzzer, and that it can fail."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.generate import mutations
from tests.fuzz.ground import Ground
from tests.fuzz.identity import fingerprint
from tests.fuzz.ledger import Ledger, shown
from tests.fuzz.run import Meddle, Result, fuzz
from tests.fuzz.samples import Sample

SEED = 7
SHORT = 20_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A server with one worker, for tests that falsify what it did."""
    place = Ground(tmp_path_factory.mktemp("fuzz"), workers=1)
    yield place
    place.close()


def few(ground: Ground, meddle: Meddle) -> Result:
    """Feed few payloads, of which every fate comes."""
    stream = mutations(random.Random(SEED))
    return fuzz(ground, SEED, 700, stream=stream, thorough=False, timeout=30, meddle=meddle)


def rewrite(place: Ground, change: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of the journal that were not looked at yet."""
    text = place.journal.read_bytes()
    lines = change(text[place.read_to :].decode().splitlines())
    new = "".join(f"{line}\n" for line in lines)
    place.journal.write_bytes(text[: place.read_to] + new.encode())


@pytest.mark.timeout(180)
def test_no_payload_is_lost_nor_harms_a_worker(tmp_path: Path) -> None:
    ground = Ground(tmp_path, workers=2, log_every=30)
    try:
        result = fuzz(ground, SEED, SHORT, thorough=False, timeout=90)
    finally:
        ground.close()
    print(f"\n{result}")
    assert not result.wrong, str(result)
    assert result.payloads == SHORT
    assert min(result.found[fate] for fate in ("dead raw", "dead job", "retry", "run")) > 50
    assert min(result.found[fate] for fate in ("dropped", "stray")) > 20


def test_the_same_seed_gives_the_same_payloads_and_another_seed_others() -> None:
    first, again, other = (
        [each.raw for each in islice(mutations(random.Random(seed)), 500)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_payload_that_vanishes_from_the_dead_set_is_lost(shared: Ground) -> None:
    stolen: list[bytes] = []

    def rob(place: Ground) -> None:
        popped: Any = place.store.zpopmin("dead")
        stolen.extend(raw for raw, _ in popped)

    result = few(shared, rob)
    assert result.lost == 1
    assert result.wrong[0].startswith("lost; ")
    assert shown(stolen[0]) in str(result)


def test_a_job_that_vanishes_from_the_retry_set_is_lost(shared: Ground) -> None:
    result = few(shared, lambda place: place.store.zpopmin("retry"))
    assert result.lost == 1
    assert "or retry: " in result.wrong[0]


def test_a_run_that_is_missing_is_told_and_one_too_many(shared: Ground) -> None:
    def falsify(lines: list[str]) -> list[str]:
        runs = [line for line in lines if line.startswith("run")]
        return [*(line for line in lines if line != runs[0]), runs[-1]]

    result = few(shared, lambda place: rewrite(place, falsify))
    assert result.lost == 1
    assert "should be run" in str(result)
    assert "found as run what was found before" in str(result)


def test_what_nobody_fed_is_told_and_so_is_a_missing_reason(shared: Ground) -> None:
    result = few(shared, lambda place: place.store.zadd("dead", {b"not what was fed": 1}))
    assert "in the dead set without a reason" in str(result)
    assert "found as dead raw what nobody fed" in str(result)


def test_a_job_at_the_wrong_place_is_told(shared: Ground) -> None:
    def misplace(place: Ground) -> None:
        popped: Any = place.store.zpopmin("retry")
        place.store.lpush("queue:nowhere", popped[0][0])

    [wrong] = few(shared, misplace).wrong
    assert wrong.startswith("stray, not ")
    assert " or retry; fed to " in wrong


def test_an_error_of_kiq_itself_is_told(shared: Ground) -> None:
    def note_trouble(place: Ground) -> None:
        rewrite(place, lambda lines: [*lines, "trouble {'context': 'poller'} ValueError()"])

    assert "an error of kiq itself: {'context': 'poller'}" in str(few(shared, note_trouble))


def test_a_payload_that_is_taken_for_what_it_is_not_is_told() -> None:
    ledger = Ledger()
    ledger.feed(Sample(b'{"class":"A","args":[]}', "no job"), "queue")
    ledger.feed(Sample(b"{}", "job"), "queue")
    assert [each.partition(":")[0] for each in ledger.wrong] == [
        "'no job' by construction, taken for a job",
        "'job' by construction, refused",
    ]


def test_a_job_is_known_again_after_a_failure_and_no_other_is() -> None:
    fed = {"class": "A", "args": [1], "jid": "j", "queue": "a"}
    later = {**fed, "queue": "b", "retry_count": 3, "error_message": "x", "failed_at": 5}
    assert fingerprint(fed) == fingerprint(later)
    assert fingerprint(fed) != fingerprint({**later, "args": [True]})
    assert fingerprint(fed) != fingerprint({**later, "jid": "k"})


def test_a_worker_that_dies_is_told_and_so_are_its_threads(shared: Ground) -> None:
    # The last test that uses the worker.
    result = few(shared, lambda place: place.workers[0].end())
    assert "worker 0 ended with" in str(result)
    assert result.dead_threads >= 5
