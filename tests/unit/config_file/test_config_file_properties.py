"""Any file at all gives a configuration, or one ConfigError that says where it is wrong."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kiq import features
from kiq.config import Config
from kiq.config_file import load
from kiq.config_file.schema import known
from kiq.errors import ConfigError

SAMPLE = (Path(__file__).parents[3] / "config" / "kiq.yml").read_text()
ENVIRONMENT = {"REDIS_URL": "redis://localhost:6379/0"}
#: The parser is slow by nature, and the time of an example says nothing here.
PATIENT = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kiq.yml"


#: What ends a line in YAML 1.1.
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def outcome(file: Path, content: str | bytes) -> Config | str:
    """Load a file with *content*; return what came of it, the text of the refusal if that."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        return load(str(file), environ=ENVIRONMENT)
    except ConfigError as error:
        return str(error)


def expect_config_or_place(file: Path, content: str | bytes) -> Config | str:
    """Load a file with *content*; every problem must name the file with a line in it."""
    found = outcome(file, content)
    if isinstance(found, str):
        first, *others = found.split("\n  ")
        places = others if re.match(r"\d+ problems in the configuration:", first) else [found]
        lines = len(_BREAK.findall(file.read_text("utf-8", "replace"))) + 1
        for place in places:
            told = re.match(rf"{re.escape(str(file))}:(\d+): .|.*line (\d+) is not UTF-8", place)
            assert told is not None, f"no line in {place!r}"
            # What is missing at the end is told at the line after the last.
            assert 1 <= int(told[1] or told[2]) <= lines + 1
    return found


# Documents that are YAML

features.load()
KEYS = st.sampled_from(
    [*known().settings, "redis", "capsules", "environments", "production", "<<", "verbose"]
)
WORDS = st.sampled_from(
    ["yes", "~", "012", "1_000", "${REDIS_URL}", "${X:-5}", "${", "a b", "x" * 200]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=10)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(PATIENT, max_examples=80)
@given(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, st.booleans())
def test_any_document_gives_a_configuration_or_says_where_it_is_wrong(
    file: Path, document: Any, flow: bool
) -> None:
    text = yaml.safe_dump(document, default_flow_style=flow, sort_keys=False, width=10**6)
    expect_config_or_place(file, text)


# Bytes that are anything


@settings(PATIENT, max_examples=200)
@given(st.binary(max_size=150) | st.text(max_size=150).map(lambda text: text.encode("utf-16")))
@example(b"")
@example(b"\xef\xbb\xbfconcurrency: 5\n")
@example(b"queues:\n\t- a\n")
@example(b"a: \x00\n")
@example(b"concurrency: 5\n...\n---\n")
@example(b"%YAML 9.9\n---\na: 1\n")
def test_any_bytes_give_a_configuration_or_say_where_they_are_wrong(
    file: Path, content: bytes
) -> None:
    expect_config_or_place(file, content)


# Mutations of the sample

PIECES = (
    *("&a ", "*a", "!!python/object/apply:os.system [true]", "!x ", "<<: ", "? ", "- ", ": ", ", "),
    *(
        "{",
        "}",
        "[",
        "]",
        "\t",
        "\n",
        "  ",
        "#",
        "|",
        ">",
        "'",
        '"',
        "%TAG ! x\n",
        "---\n",
        "...\n",
    ),
    *("<%= ENV['X'] %>", "${", "${X}", "\x00", "\x85", "\ufeff", "\u2028", "\U0001f600", "\ud800"),
    *(
        "concurrency: 10\n",
        "queues: [a, b]\n",
        "? [a]\n: b\n",
        ":strict: true\n",
        "1e999",
        "." * 50,
    ),
    *("[" * 30, "{a: " * 30, "- " * 30, "x: 1\n" * 3, "0" * 5000, "&a [*a]"),
)


def mutated(chance: random.Random) -> str:
    text = SAMPLE
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        other = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + chance.randint(1, 20) :]
            case 1:
                text = text[:at] + text[other : other + chance.randint(1, 60)] + text[at:]
            case _:
                text = text[:at] + chance.choice(PIECES) + text[at:]
    return text


@settings(PATIENT, max_examples=200)
@given(st.integers(0, 2**32))
def test_any_mutation_of_the_sample_loads_or_says_where_it_is_wrong(file: Path, seed: int) -> None:
    expect_config_or_place(file, mutated(random.Random(seed)))


def test_the_mutations_reach_both_ends(file: Path) -> None:
    ends = [type(outcome(file, mutated(random.Random(seed)))) for seed in range(200)]
    assert 10 < ends.count(Config) < 190


# What is always refused

SAFE = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


@settings(PATIENT, max_examples=60)
@given(SAFE, st.sampled_from(["queues: {} [low]", "tag: {} x", "redis: {} {{url: 'redis://h'}}"]))
def test_an_anchor_or_a_tag_is_refused_wherever_it_stands(file: Path, name: str, form: str) -> None:
    for decoration, words in (
        (f"&{name}", "anchors are not allowed"),
        (f"!{name}", "tags are not"),
    ):
        found = expect_config_or_place(file, "concurrency: 5\n" + form.format(decoration) + "\n")
        assert isinstance(found, str)
        assert f"{file}:2: {words}" in found


@settings(PATIENT, max_examples=30)
@given(st.integers(2, 40), st.integers(2, 12))
def test_a_bomb_of_aliases_is_refused_at_its_first_line(
    file: Path, levels: int, width: int
) -> None:
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{inner}]")
    found = expect_config_or_place(file, "\n".join(lines))
    assert isinstance(found, str)
    assert f"{file}:1: anchors are not allowed" in found
    assert f"{file}:2: aliases are not allowed" in found


@settings(PATIENT, max_examples=60)
@given(st.sampled_from(["concurrency", "queues", "tag"]), st.integers(0, 5))
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    file: Path, key: str, apart: int
) -> None:
    text = f"{key}: a\n" + "# so\n" * apart + f"{key}: b\n"
    found = expect_config_or_place(file, text)
    assert isinstance(found, str)
    assert f"{key} stands twice (lines 1 and {2 + apart}); keep one" in found


@settings(PATIENT, max_examples=40)
@given(st.integers(21, 3000), st.sampled_from(["[", "{a: ", "- "]))
def test_what_is_nested_too_deeply_is_refused(file: Path, depth: int, opener: str) -> None:
    found = expect_config_or_place(file, "queues:\n  " + opener * depth)
    assert isinstance(found, str)
    assert "nested more than 20 levels deep" in found or "this is not YAML" in found
