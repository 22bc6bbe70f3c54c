"""The table of settings in docs/configuration.md, and docs/kiq.schema.json, made from the code.

``python -m tests.house.settings_reference`` writes both anew.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from kiq import features
from kiq.cli.run import run
from kiq.config import Capsule, Config
from kiq.config_file.about import about
from kiq.config_file.json_schema import json_schema
from kiq.config_file.schema import SETTINGS, Setting, known, names_of
from kiq.config_file.shapes import forms_of
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "docs" / "kiq.schema.json"
BEGIN, END = "<!-- settings: from the code -->\n", "<!-- /settings -->\n"
_HEAD = "| key | also | variable | flag | default | range, meaning |\n|---|---|---|---|---|---|\n"


def table() -> str:
    """The rows of all settings that may stand at the top level, the job path's first."""
    own = [setting for name, setting in SETTINGS.items() if "." not in name]
    rest = [it for name, it in known().settings.items() if "." not in name and it not in own]
    return _HEAD + "".join(map(_row, (*own, *rest)))


def schema() -> str:
    """The JSON schema, as text."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def written(page: str) -> str:
    """What stands between the marks of *page*."""
    return page.partition(BEGIN)[2].partition(END)[0]


def _row(setting: Setting) -> str:
    aliases = ", ".join(f"`{name}`" for name in setting.aliases)
    meaning = f"{_range(setting)} {about(setting.name)}".strip()
    cells = (
        f"`{setting.name}`",
        aliases,
        f"`{setting.variable}`",
        _flag(setting),
        _default(setting),
    )
    return (
        "| " + " | ".join((*cells, meaning)).replace("|  |", "| |").replace("|  |", "| |") + " |\n"
    )


def _range(setting: Setting) -> str:
    first = forms_of(setting.read)[0]
    if "minimum" in first:
        return f"{first['minimum']:.12g} to {first['maximum']:.12g}"
    if "enum" in first:
        return ", ".join(f"`{word}`" for word in first["enum"]) + ":"
    return ""


def _flag(setting: Setting) -> str:
    names = {setting.name, *setting.aliases}
    for option in run.params:
        if option.name in names:
            short = min(option.opts, key=len)
            return f"`{short}`"
    return ""


def _default(setting: Setting) -> str:
    value = _defaults().get(setting.name)
    if setting.name == "queues":
        return "`default`"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.12g}"
    if not value:
        return "empty" if value == "" else "none"
    return f"`{' '.join(value) if isinstance(value, tuple) else value}`"


def _defaults() -> dict[str, Any]:
    found = {each.name: getattr(Config(), each.name) for each in dataclasses.fields(Config)}
    found["concurrency"] = Capsule().concurrency
    for feature in features.declared():
        for field, name in names_of(feature).items():
            found[name] = getattr(feature.settings(), field)  # type: ignore[misc]
    return found


def main() -> None:
    """Write both."""
    features.load()
    page = PAGE.read_text("utf-8")
    pattern = f"{re.escape(BEGIN)}.*?{re.escape(END)}"
    PAGE.write_text(
        re.sub(pattern, lambda _: BEGIN + table() + END, page, flags=re.DOTALL), "utf-8"
    )
    SCHEMA.write_text(schema(), "utf-8")


if __name__ == "__main__":
    main()
