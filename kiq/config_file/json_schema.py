"""The JSON schema of a configuration file: what an editor completes, explains and marks as wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .about import about
from .document import CAPSULE_NAME
from .schema import BARE_ENVIRONMENTS, CAPSULE_KEYS, IGNORED, Setting, known
from .shapes import BOOLEAN, forms_of

Schema = dict[str, Any]

_NOTHING: Schema = {"type": "null"}
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}  # what it stands for, no editor knows


def json_schema() -> Schema:
    """Return the schema, with the settings that were declared until now, those of loaded plugins too.

    What it can't see, ``kiq check`` does: numbers in quotes, what variables hold, settings that stand in
    two places, files.
    """
    settings = _settings()
    section: Schema = {"$ref": "#/definitions/(section)"}
    here = {name: {"$ref": f"#/definitions/{name}"} for name in settings}
    nested = {**here, "environment": _NOTHING}  # which none can have
    environments: dict[str, Schema] = dict.fromkeys(BARE_ENVIRONMENTS, section)
    environments["environments"] = {
        "anyOf": [_NOTHING, {"type": "object", "additionalProperties": section}],
        "description": about("environments"),
    }
    once = list(_once())
    inner: Schema = {"anyOf": [_NOTHING, {**_object(nested), "allOf": once}]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The settings of kiq",
        **_object(here | environments),
        "allOf": once,
        "definitions": {**settings, "(section)": inner},
    }


def _settings() -> dict[str, Schema]:
    """Return what may stand at the top, and in the section of an environment."""
    here = known()
    found = {
        spelling: _value(here.settings[name], spelling)
        for spelling, name in sorted(here.names.items())
        if "." not in spelling
    }
    for section in here.sections:
        found[section] = _table(section)
    redis = _table("redis")
    redis["anyOf"].append(found["redis_url"]["anyOf"][-1])
    redis["anyOf"].append(_VARIABLE)
    found["redis"] = redis
    found["capsules"] = _capsules()
    found["verbose"] = {"anyOf": [_NOTHING, _VARIABLE, *BOOLEAN], "description": about("verbose")}
    for key, why in IGNORED.items():
        found[key] = {"description": why, "deprecated": True}
    return found


def _table(section: str) -> Schema:
    here = known()
    inner = {
        name: _value(here.settings[here.names[f"{section}.{name}"]], f"{section}.{name}")
        for name in here.under(section)
    }
    return {"anyOf": [_NOTHING, _object(inner)], "description": about(section)}


def _capsules() -> Schema:
    inner = {name: _value(known().settings[name], name) for name in CAPSULE_KEYS}
    inner |= {key: {"description": why, "deprecated": True} for key, why in IGNORED.items()}
    capsule = {"anyOf": [_NOTHING, _object(inner)]}
    table = {
        "type": "object",
        "patternProperties": {f"^(?:{CAPSULE_NAME.pattern})$": capsule},
        "additionalProperties": False,
    }
    return {"anyOf": [_NOTHING, table], "description": about("capsules")}


def _value(setting: Setting, spelling: str) -> Schema:
    said = about(setting.name)
    if spelling != setting.name and "." not in setting.name:
        said = f"The same as {setting.name}. {said}"
    return {"anyOf": [_NOTHING, _VARIABLE, *forms_of(setting.read)], "description": said}


def _object(properties: dict[str, Schema]) -> Schema:
    """Return a mapping of *properties* and no others; keys may have the colon of a Ruby symbol."""
    symbols = {f"^:{re.escape(name)}$": it for name, it in properties.items() if "$ref" in it}
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": symbols,
        "additionalProperties": False,
    }


def _once() -> Iterable[Schema]:
    """Yield what refuses two spellings of one setting, both with a value."""
    for setting in known().settings.values():
        spellings = [name for name in (setting.name, *setting.aliases) if "." not in name]
        for at, one in enumerate(spellings):
            for other in spellings[at + 1 :]:
                given = {name: {"not": _NOTHING} for name in (one, other)}
                yield {"not": {"required": [one, other], "properties": given}}
