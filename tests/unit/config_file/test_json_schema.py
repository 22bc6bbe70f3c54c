"""The schema for editors takes what kiq takes, and refuses what kiq refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiq import config_file
from kiq.config_file.json_schema import json_schema
from tests.house.source import ROOT

pytestmark = pytest.mark.usefixtures("standard_features")


@cache
def validator() -> Any:
    """Of kiq's own settings: what a test has declared by now is not among them."""
    return jsonschema.Draft7Validator(json_schema())


class _Plain(yaml.SafeLoader):
    """YAML as editors read it: no dates, and words that are no booleans stay words."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if "timestamp" not in tag]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:
    return yaml.load(text, Loader=_Plain)  # noqa: S506 (a safe loader)


def by_kiq(text: str, folder: Path) -> bool:
    path = folder / "kiq.yml"
    path.write_text(text)
    return not config_file.problems(str(path), environ={})


def by_schema(document: Any) -> bool:
    return bool(validator().is_valid({} if document is None else document))


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


def examples() -> list[str]:
    """Every example in the docs that is a configuration file, by what kiq says of it."""
    found = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        found += re.findall(
            r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
    return [*found, (ROOT / "config" / "kiq.yml").read_text("utf-8")]


def test_it_takes_each_example_of_the_docs_that_kiq_takes(tmp_path: Path) -> None:
    taken = 0
    for text in examples():
        if by_kiq(text, tmp_path):
            taken += 1
            document = loaded(text)
            assert by_schema(document), (text, list(validator().iter_errors(document)))
    assert taken >= 5


@pytest.mark.parametrize(
    "text",
    [
        "concurency: 5",
        "concurrency: 0",
        "concurrency: many",
        "concurrency: [5]",
        "codec: pickle",
        "queues: []",
        "queues: {a: 1001}",
        "queues: {a: {weight: 2, latency: soon}}",
        "queues: {a: {wait: 2}}",
        "queues: [[a, 1, 2]]",
        "redis: {host: here}",
        "redis: http://here",
        "redis: {namespace: 'a:'}",
        "redis: {client_name: 'a b'}",
        "capsules: {one: {timeout: 3}}",
        "capsules: {'a b': {concurrency: 3}}",
        "environments: {here: {environment: there}}",
        "production: {environments: {}}",
        "timeout: 5\nshutdown_timeout: 6",
        "log_level: loud",
        "max_jobs: -1",
        "cpu_affinity: maybe",
    ],
)
def test_both_refuse(tmp_path: Path, text: str) -> None:
    assert not by_kiq(text, tmp_path)
    assert not by_schema(loaded(text))


@pytest.mark.parametrize(
    "text",
    [
        "concurrency: ${N:-5}",
        "concurrency: '7'",
        "concurrency:",
        "timeout:\nshutdown_timeout: 6",
        "cpu_affinity: 'off'",
        "codec: JSON",
        "queues: no",
        "queues: {a: {weight: 2, latency: 30s}, b: {latency: 5}}",
        "queues: [no, [a, 3], {b: 2}, 'c,4']",
        "tag: 5",
        "require: app.jobs",
        "redis: redis://here:6379/0",
        "redis:",
        "production:",
        "log_level: fatal",
        "processes: auto",
        "max_memory: 400MB",
        ":concurrency: 3\n:queues:\n  - [a, 2]",
        "strict: true",
        "verbose: yes",
    ],
)
def test_both_take(tmp_path: Path, text: str) -> None:
    assert by_kiq(text, tmp_path)
    assert by_schema(loaded(text)), list(validator().iter_errors(loaded(text)))


WORDS = st.sampled_from(
    [
        "json",
        "JSON",
        "true",
        "Off",
        "debug",
        "warn",
        "fatal",
        "pretty",
        "a",
        "a,3",
        "app.jobs",
        "x y",
    ]
)
NUMBERS = st.one_of(st.integers(-5, 2000), st.sampled_from([100_001, 10**9, 0.5, 2.5]))
SCALARS = st.one_of(st.booleans(), NUMBERS, WORDS)
VALUES = st.one_of(
    st.none(),
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.lists(st.lists(SCALARS, max_size=3), max_size=2),
    st.dictionaries(WORDS, SCALARS, max_size=2),
)
#: Not health, max_memory and processes, whose rules are no ranges, nor queues, which may stand twice.
KEYS = st.sampled_from(
    ["concurrency", "codec", "sidekiq", "timeout", "lease", "require", "tag", "labels", "log_level"]
    + ["log_format", "push_buffer", "plugins", "max_jobs", "cpu_affinity", "async_loop", "strict"]
    + ["max_payload", "environment", "dead_timeout", "colour", "daemon"]
)
SECTIONS = st.dictionaries(KEYS, VALUES, max_size=3)


def test_both_say_the_same_of_any_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(SECTIONS, st.one_of(st.none(), SECTIONS))
    @example({"tag": True}, None)
    def same(top: dict[str, Any], production: dict[str, Any] | None) -> None:
        document = {**top, **({"production": production} if production is not None else {})}
        said = by_kiq(json.dumps(document).replace("null", ""), folder)  # nothing after the colon
        assert by_schema(document) == said, (
            document,
            config_file.problems(str(folder / "kiq.yml"), environ={}),
        )

    run: Callable[[], None] = same
    run()
