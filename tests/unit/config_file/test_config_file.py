from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq import features
from kiq.config import Capsule, Config
from kiq.config_file import load, problems
from kiq.config_file.banner import queues_text
from kiq.config_file.resolve import check, resolve
from kiq.config_file.schema import known
from kiq.errors import ConfigError

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "config" / "kiq.yml"
DOCUMENT = ROOT / "docs" / "configuration.md"
Loader = Callable[..., Config]


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "kiq.yml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load_text(here: Path) -> Loader:
    def loaded(text: str | bytes, **given: Any) -> Config:
        content = text if isinstance(text, bytes) else text.encode()
        (here / "kiq.yml").write_bytes(content)
        given.setdefault("environ", {})
        return load("kiq.yml", **given)

    return loaded


def refusal(load_text: Loader, text: str | bytes, **given: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(text, **given)
    return str(caught.value)


# --- the file


def test_without_a_file_the_defaults_stand(here: Path) -> None:
    config = load(None, environ={})
    assert config.file is None
    assert config.capsules == Config().capsules
    assert config.redis == Config().redis
    assert config.origins["concurrency"] == "default"


@pytest.mark.parametrize("name", ["config/kiq.yml", "config/kiq.yaml", "config/sidekiq.yml"])
def test_the_file_is_found_under_the_current_folder(here: Path, name: str) -> None:
    (here / name).write_text("concurrency: 3")
    config = load(None, environ={})
    assert (config.file, config.capsules[0].concurrency) == (name, 3)


def test_a_second_file_that_is_not_read_is_noticed(here: Path) -> None:
    (here / "config/kiq.yml").write_text("concurrency: 3")
    (here / "config/sidekiq.yml").write_text("concurrency: 4")
    config = load(None, environ={})
    assert config.capsules[0].concurrency == 3
    assert config.notices == ("config/sidekiq.yml is not read: config/kiq.yml stands before it",)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "production:\n"])
def test_an_empty_file_means_the_defaults(load_text: Loader, text: str) -> None:
    assert load_text(text).capsules == Config().capsules


def test_the_sample_loads_and_means_what_it_says() -> None:
    config = load(str(SAMPLE), environ={"KIQ_ENV": "production"})
    (capsule,) = config.capsules
    assert capsule.concurrency == 25
    assert capsule.queues == (("critical", 6), ("default", 3), ("low", 1))
    assert capsule.mode == "weighted"
    assert config.require == ("app.jobs",)
    assert config.redis.url == "redis://localhost:6379/0"
    assert config.notices == ()


def test_a_file_that_is_not_there_is_a_problem(here: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load("nowhere.yml", environ={})
    message = "nowhere.yml: the configuration can't be read: No such file or directory"
    assert str(caught.value) == message


def test_a_folder_a_pipe_and_a_loop_are_refused(here: Path) -> None:
    os.mkfifo(here / "pipe.yml")
    (here / "loop.yml").symlink_to(here / "loop.yml")
    for name, reason in {
        "config": "not a regular file|directory",
        "pipe.yml": "not a regular file",
        "loop.yml": "Too many levels of symbolic links",
    }.items():
        with pytest.raises(ConfigError, match=reason):
            load(name, environ={})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"tag: " + b"x" * 70_000, "the configuration can't be read: it is larger than 64 KiB"),
        (b"tag: a\nlabels: \xff", "can't be read: line 2 is not UTF-8; save the file as UTF-8"),
        (b"tag: a\n---\ntag: b\n", "kiq.yml:2: a second document begins here; keep one"),
        (b"tag: a\n\tlabels: b\n", "kiq.yml:2: this is not YAML: .* spaces, not tabs"),
        (b"tag: a\nlabels: \x01", r"kiq.yml:2: the character U\+0001 is not allowed"),
        (b"- a\n- b\n", "kiq.yml:1: the file must hold settings, as in concurrency: 10"),
        (b"tag: " + b"[" * 10_000, "kiq.yml:1: nested more than 20 levels deep"),
        (b"? [a]\n: b\n", "kiq.yml:1: a key must be a single word"),
    ],
)
def test_a_file_that_is_no_yaml_of_ours_is_refused(
    load_text: Loader, content: bytes, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_text(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tag: &a x", "kiq.yml:1: anchors are not allowed: remove &a"),
        ("labels: *a", "kiq.yml:1: aliases are not allowed: write out what *a means"),
        (
            "tag: !!python/object/apply:os.system [ls]",
            "tags are not allowed: remove tag:yaml.org,2002:python/object/apply:os.system",
        ),
        ("<<: {tag: a}", "merge keys (<<) are not supported"),
    ],
)
def test_anchors_aliases_tags_and_merges_are_refused(
    load_text: Loader, text: str, message: str
) -> None:
    assert message in refusal(load_text, text)


def test_a_repeated_key_names_both_lines(load_text: Loader) -> None:
    text = "concurrency: 5\ntag: x\n:concurrency: 6\n"
    message = "kiq.yml:3: concurrency stands twice (lines 1 and 3); keep one"
    assert refusal(load_text, text) == message


def test_an_alias_beside_its_key_names_both(load_text: Loader) -> None:
    assert refusal(load_text, "timeout: 5\nshutdown_timeout: 6") == (
        "kiq.yml:2: shutdown_timeout stands twice, as timeout and as shutdown_timeout "
        "(lines 1 and 2); keep one"
    )


@pytest.mark.parametrize(
    ("erb", "advice"),
    [
        ("<%= ENV['THREADS'] || 5 %>", "write ${THREADS:-5} for"),
        ('<%= ENV.fetch("THREADS", 5) %>', "write ${THREADS:-5} for"),
        ('<%= ENV["THREADS"] %>', "write ${THREADS} for"),
        ("<% if x %>", "write ${VAR:-default} for"),
    ],
)
def test_erb_is_refused_with_the_way_to_write_it(load_text: Loader, erb: str, advice: str) -> None:
    text = f"# <%= not this %>\nconcurrency: {erb}\n"
    message = refusal(load_text, text)
    assert message.startswith("kiq.yml:2: ERB (<% %>) is not run here; ")
    assert advice in message


@pytest.mark.timeout(10)
def test_an_endless_line_of_erb_is_refused_at_once(load_text: Loader) -> None:
    text = "tag: <%= ENV['X'] || " + " " * 60_000
    assert "write ${VAR:-default} for" in refusal(load_text, text)


def test_what_stands_beside_erb_is_looked_at_as_well(load_text: Loader) -> None:
    text = """
concurrency: <%= ENV["THREADS"] || 5 %>
tagg: x
queues:
  - [critical, <%= weight %>]
redis:
  url: <%= ENV["REDIS_URL"] %>
  usrname: ann
timeout: soon
<% if true %>
lease: 1
<% end %>
labels: ["<%= a %>", b]  # a comment with <% in it
<%
code = 1
%>
max_retries: -1
"""
    lines = refusal(load_text, text).splitlines()
    found = [line.strip().partition(": ") for line in lines[1:]]
    assert lines[0] == "12 problems in the configuration:"
    assert [(place, words.split()[0]) for place, _, words in found] == [
        ("kiq.yml:2", "ERB"),
        ("kiq.yml:3", "unknown"),
        ("kiq.yml:5", "ERB"),
        ("kiq.yml:7", "ERB"),
        ("kiq.yml:8", "unknown"),
        ("kiq.yml:9", "timeout"),
        ("kiq.yml:10", "ERB"),
        ("kiq.yml:11", "lease"),
        ("kiq.yml:12", "ERB"),
        ("kiq.yml:13", "ERB"),
        ("kiq.yml:14", "ERB"),
        ("kiq.yml:17", "max_retries"),
    ]


def test_a_file_that_is_no_yaml_beside_its_erb_is_told_both(load_text: Loader) -> None:
    message = refusal(load_text, "tag: <%= x %>\nlabels: [a\n")
    assert "kiq.yml:1: ERB" in message
    assert "this is not YAML" in message


# --- keys and values


def test_an_unknown_key_comes_with_a_suggestion(load_text: Loader) -> None:
    message = "kiq.yml:1: unknown key concurency; did you mean concurrency?"
    assert refusal(load_text, "concurency: 5") == message
    assert "unknown key redis.usrname; did you mean username?" in refusal(
        load_text, "redis: {usrname: bob}"
    )
    assert "unknown key capsules.one.queue; did you mean queues?" in refusal(
        load_text, "capsules: {one: {queue: a}}"
    )


def test_an_unknown_environment_at_the_top_level_is_shown_its_place(load_text: Loader) -> None:
    assert "environments: {preview: {...}}" in refusal(load_text, "preview: {tag: x}")


def test_all_problems_are_listed_in_one_error(load_text: Loader) -> None:
    text = "concurrency: 0\ntag: ok\nlease: 1\nwibble: 3\n"
    assert refusal(load_text, text, environ={"KIQ_CODEC": "pickle"}) == (
        "4 problems in the configuration:\n"
        "  kiq.yml:1: concurrency must be a whole number from 1 to 1000, not 0\n"
        "  kiq.yml:3: lease must be a number of seconds from 5 to 3600, not 1\n"
        "  kiq.yml:4: unknown key wibble\n"
        "  KIQ_CODEC: codec must be one of msgpack, json, not pickle"
    )


def test_problems_tell_line_key_and_message(here: Path) -> None:
    (here / "kiq.yml").write_text("tag: a\nconcurrency: many\n")
    (problem,) = problems("kiq.yml", environ={})
    assert (problem.line, problem.key, problem.source) == (2, "concurrency", "kiq.yml")
    assert problem.message == "concurrency must be a whole number from 1 to 1000, not many"
    assert problems(str(SAMPLE), environ={}) == []


@pytest.mark.parametrize("value", ["0", "-1", "1000000", "x", "1.5", "1e3", "1_0", "٣", "yes"])
def test_concurrency_out_of_range_is_refused(load_text: Loader, value: str) -> None:
    assert f"from 1 to 1000, not {value}" in refusal(load_text, f"concurrency: {value}")


def test_numbers_come_from_the_schema_not_from_yaml(load_text: Loader) -> None:
    config = load_text('concurrency: 010\ntimeout: "2.5"\ntag: 1e3\nlabels: [on, 1:30, 2024-01-01]')
    assert config.capsules[0].concurrency == 10
    assert config.shutdown_timeout == 2.5
    assert config.tag == "1e3"
    assert config.labels == ("on", "1:30", "2024-01-01")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("yes", True), ("On", True), ("TRUE", True), ("no", False), ("off", False), ("false", False)],
)
def test_booleans_have_their_usual_spellings(load_text: Loader, written: str, meant: bool) -> None:
    assert load_text(f"allow_ruby_server: {written}").allow_ruby_server is meant


def test_a_mapping_where_a_value_belongs_is_refused(load_text: Loader) -> None:
    message = "kiq.yml:1: concurrency must be a single value, not a mapping"
    assert refusal(load_text, "concurrency: {a: 1}") == message


@pytest.mark.parametrize(
    "url",
    ["http://h/0", "localhost:6379", "redis://h:port/0", "redis://h:99999/0", "redis://h/zero"],
)
def test_a_malformed_url_is_refused(load_text: Loader, url: str) -> None:
    assert refusal(load_text, f"redis: {{url: '{url}'}}").startswith("kiq.yml:1: redis.url ")


@pytest.mark.parametrize(
    "url",
    ["redis://:hunter2", "http://:hunter2@h", "redis://:hun/ter2@h:x/0", "redis://:hunter2@h/db"],
)
def test_the_error_of_a_url_holds_no_password(load_text: Loader, url: str) -> None:
    message = refusal(load_text, "", environ={"REDIS_URL": url})
    assert message.startswith("REDIS_URL: redis.url ")
    assert "hunter2" not in message
    assert "ter2" not in message


@pytest.mark.parametrize(
    "url",
    [
        "redis://:p%40ss@h:1/2",
        "rediss://h",
        "unix:///run/redis.sock",
        "redis://[::1]/0",
        "embedded",
    ],
)
def test_every_kind_of_url_is_taken(load_text: Loader, url: str) -> None:
    assert load_text(f"redis: {{url: '{url}'}}").redis.url == url
    assert load_text(f"redis: '{url}'").redis.url == url


def test_redis_options_are_typed_and_kiqs_own_are_refused(load_text: Loader) -> None:
    text = "redis: {url: 'rediss://h', password: 0123, db: 3, ssl_check_hostname: no}"
    options = load_text(text).redis.options
    assert options == {"password": "0123", "db": 3, "ssl_check_hostname": False}
    assert refusal(load_text, "redis: {retry: 3}") == (
        "kiq.yml:1: redis.retry is not for you to set: leave it out: "
        "kiq repeats only what is safe to repeat"
    )


def test_options_of_tls_are_left_out_where_the_url_has_none(load_text: Loader) -> None:
    config = load_text("redis: {url: 'redis://h', ssl_ca_certs: ca.pem}")
    assert config.redis.options == {}
    assert config.notices == (
        "redis.ssl_ca_certs (kiq.yml:1) is not used: it does not fit redis://h",
    )


# --- queues


@pytest.mark.parametrize(
    "written",
    [
        "[[critical, 6], [default, 3]]",
        "['critical,6', 'default,3']",
        "{critical: 6, default: 3}",
        "critical,6 default,3",
        "[critical: 6, default: 3]",
        "[[:critical, 6], [:default, 3]]",
        "{:critical: 6, :default: 3}",
        '{"critical":6, default: 3}',
    ],
)
def test_queues_are_read_in_every_form(load_text: Loader, written: str) -> None:
    (capsule,) = load_text(f"queues: {written}").capsules
    assert capsule.queues == (("critical", 6), ("default", 3))
    assert capsule.mode == "weighted"


def test_queue_names_keep_their_text(load_text: Loader) -> None:
    (capsule,) = load_text("queues: [no, on, 1e3, 010, 0x1f, 2024-01-01, 1_000, null]").capsules
    names = ("no", "on", "1e3", "010", "0x1f", "2024-01-01", "1_000", "null")
    assert capsule.queue_names == names


@given(st.from_regex(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,40}", fullmatch=True))
def test_any_queue_name_survives_the_file_unquoted(scratch: Path, name: str) -> None:
    scratch.write_text(f"queues:\n  - {name}\n")
    (capsule,) = load(str(scratch), environ={}).capsules
    assert capsule.queue_names == (name,)


def test_every_bad_queue_is_reported_on_its_line(load_text: Loader) -> None:
    message = refusal(load_text, 'queues:\n  - "a\\tb"\n  - ok\n  - [low, 0]\n  - [a, b, c]\n')
    assert "kiq.yml:2: queues: 'a\\tb' can't be the name of a queue" in message
    assert "kiq.yml:4: queues: the weight of queue low must be a whole number" in message
    assert "kiq.yml:5: queues: a queue is a name, or a name and a weight" in message


@pytest.mark.parametrize(
    ("written", "queues", "mode"),
    [
        ("[mail/high, a b, ünï, '{t}']", {"mail/high": 1, "a b": 1, "ünï": 1, "{t}": 1}, "strict"),
        ("[['a b', 6], ['c,d', 3], [' e ', 1]]", {"a b": 6, "c,d": 3, " e ": 1}, "weighted"),
        ("['a b,6', 'c,d,3', 'e , 1']", {"a b": 6, "c,d": 3, "e ": 1}, "weighted"),
        ("{a b: 6, 'c,d': 3, '*': 1}", {"a b": 6, "c,d": 3, "*": 1}, "weighted"),
        ("['a,b,', c]", {"a,b": 1, "c": 1}, "strict"),
        ("[[a], ['b,c']]", {"a": 1, "b,c": 1}, "strict"),
        ("[':a', :b]", {":a": 1, "b": 1}, "strict"),
    ],
)  # fmt: skip
def test_a_queue_may_have_any_name(
    load_text: Loader, written: str, queues: dict[str, int], mode: str
) -> None:
    (capsule,) = load_text(f"queues: {written}").capsules
    assert dict(capsule.queues) == queues
    assert capsule.mode == mode


def test_queues_are_shown_as_the_command_line_takes_them() -> None:
    weighted = Capsule(queues=(("a b", 6), ("c,d", 3), ("e", 1)), mode="weighted")
    assert queues_text(weighted) == "'a b,6' c,d,3 e,1"
    strict = Capsule(queues=(("a b", 1), ("c,d", 1), ("ünï", 1), ("e", 1)))
    assert queues_text(strict) == "'a b' c,d, 'ünï' e"
    for capsule in (weighted, strict):
        flags = {"queues": shlex.split(queues_text(capsule))}
        read = load(None, environ={}, flags=flags).capsules[0]
        assert (read.queues, read.mode) == (capsule.queues, capsule.mode)


def test_an_empty_list_of_queues_is_refused(load_text: Loader) -> None:
    assert "no queue is named" in refusal(load_text, "queues: []")


def test_a_weight_written_as_a_queue_is_noticed(load_text: Loader) -> None:
    (notice,) = load_text("queues: [critical, 6]").notices
    assert notice.startswith("queue 6 has a number for a name")


# --- Sidekiq's files


SIDEKIQ = """
---
:concurrency: 5
:timeout: 8
:verbose: true
:strict: true
:max_retries: 3
:dead_timeout_in_seconds: 600
:average_scheduled_poll_interval: 15
:require: ./app.py
:queues:
  - [critical, 2]
  - default
:capsules:
  :single:
    :concurrency: 1
    :queues:
      - serial
  wide: {queues: [[a, 1], [b, 1]]}
:production:
  :concurrency: 20
staging:
  :capsules: {single: {concurrency: 2}}
"""


def test_a_sidekiq_file_loads_as_it_is(load_text: Loader) -> None:
    config = load_text(SIDEKIQ)
    first, single, wide = config.capsules
    assert (first.concurrency, first.mode) == (5, "weighted")
    assert first.queues == (("critical", 2), ("default", 1))
    assert (single.name, single.concurrency, single.mode) == ("single", 1, "strict")
    assert (wide.name, wide.concurrency, wide.mode) == ("wide", 5, "random")
    assert (config.shutdown_timeout, config.max_retries, config.dead_timeout) == (8.0, 3, 600.0)
    assert (config.log_level, config.require) == ("debug", ("./app.py",))
    assert [notice.partition(" ")[0] for notice in config.notices] == [
        "kiq.yml:5:",
        "kiq.yml:6:",
        "kiq.yml:9:",
    ]


def test_a_section_changes_only_what_it_names(load_text: Loader) -> None:
    staging = load_text(SIDEKIQ, flags={"environment": "staging"})
    assert [capsule.concurrency for capsule in staging.capsules] == [5, 2, 5]
    assert staging.capsules[1].queue_names == ("serial",)
    assert load_text(SIDEKIQ, environ={"APP_ENV": "production"}).capsules[0].concurrency == 20


@pytest.mark.parametrize("key", ["logfile", "daemon"])
def test_keys_that_are_gone_say_what_to_use_instead(load_text: Loader, key: str) -> None:
    message = refusal(load_text, f":{key}: x")
    assert message.startswith(f"kiq.yml:1: {key} is gone: ")


# --- environments


def test_environments_stand_under_their_own_key(load_text: Loader) -> None:
    text = "tag: all\nenvironments:\n  preview: {tag: here}\n"
    assert load_text(text).tag == "all"
    config = load_text(text, environ={"KIQ_ENV": "preview"})
    assert (config.tag, config.environment) == ("here", "preview")
    assert config.origins["tag"] == "kiq.yml:3 (preview); overrides all from kiq.yml:1"


def test_the_environment_is_named_by_flag_then_kiq_env_then_app_env(load_text: Loader) -> None:
    environ = {"KIQ_ENV": "test", "APP_ENV": "staging"}
    flags = {"environment": "production"}
    assert load_text("", flags=flags, environ=environ).environment == "production"
    assert load_text("", environ=environ).environment == "test"
    assert load_text("", environ={"APP_ENV": "staging"}).environment == "staging"
    assert load_text("").environment == "development"


def test_a_mistake_in_another_environment_is_found(load_text: Loader) -> None:
    text = "production: {concurrency: 0}\ntest: {tagg: x}"
    message = refusal(load_text, text)
    assert "kiq.yml:1: concurrency must be" in message
    assert "kiq.yml:2: unknown key tagg; did you mean tag?" in message


@pytest.mark.parametrize(
    ("named", "near"),
    [("prodution", "; did you mean production?"), ("elsewhere", "; there are: production")],
)
@pytest.mark.parametrize("variable", ["KIQ_ENV", "APP_ENV"])
def test_an_environment_that_is_named_and_has_no_section_is_noticed(
    load_text: Loader, named: str, near: str, variable: str
) -> None:
    (notice,) = load_text("production: {tag: x}", environ={variable: named}).notices
    assert notice == f"kiq.yml has no section for the environment {named}{near}"


def test_an_environment_that_nobody_names_needs_no_section(load_text: Loader) -> None:
    assert load_text("production: {tag: x}").notices == ()
    assert load_text("environment: test\nproduction: {tag: x}").notices == ()
    assert load_text("tag: x", environ={"APP_ENV": "production"}).notices == ()


def test_an_environment_given_in_both_forms_is_refused(load_text: Loader) -> None:
    text = "production: {tag: x}\nenvironments:\n  production: {tag: y}\n"
    assert "kiq.yml:3: environment production stands twice" in refusal(load_text, text)


# --- variables in values


def test_a_variable_is_typed_by_the_setting(load_text: Loader) -> None:
    text = "concurrency: ${N:-5}\nqueues: ${QUEUES:-a}\ntag: $${N}"
    config = load_text(text, environ={"QUEUES": "b,2 c"})
    assert config.capsules[0].concurrency == 5
    assert config.capsules[0].queues == (("b", 2), ("c", 1))
    assert config.tag == "${N}"
    assert load_text(text, environ={"N": "7"}).capsules[0].concurrency == 7


def test_an_empty_variable_takes_the_default_as_in_a_shell(load_text: Loader) -> None:
    assert load_text("tag: ${T:-x}", environ={"T": ""}).tag == "x"


def test_a_missing_variable_is_a_problem_where_it_is_needed(load_text: Loader) -> None:
    assert refusal(load_text, "tag: ${TAG}") == (
        "kiq.yml:1: tag: the variable TAG is not set; set it, or write ${TAG:-default}"
    )
    assert load_text("tag: ${TAG}", flags={"tag": "x"}).tag == "x"
    assert load_text("production: {tag: '${TAG}'}").tag == ""


@pytest.mark.parametrize("text", ["tag: '${T'", "tag: '${T:=x}'", "tag: '${}'", "tag: '${1a}'"])
def test_another_form_of_substitution_is_refused(load_text: Loader, text: str) -> None:
    assert "write ${VAR} or ${VAR:-default}" in refusal(load_text, text)


@pytest.mark.parametrize(
    ("environ", "tag"),
    [
        ({}, "c"),
        ({"B": "b"}, "b"),
        ({"A": "a"}, "a"),
        ({"A": "a", "B": "b"}, "a"),
        ({"A": "", "B": ""}, "c"),
        ({"A": "${B}"}, "${B}"),
    ],
)
def test_a_default_may_hold_a_variable_with_a_default(
    load_text: Loader, environ: dict[str, str], tag: str
) -> None:
    assert load_text('tag: "${A:-${B:-c}}"', environ=environ).tag == tag
    assert load_text('tag: "x${A:-${B:-c}}y${C:-}"', environ=environ).tag == f"x{tag}y"


def test_a_default_may_hold_more_than_a_variable(load_text: Loader) -> None:
    text = 'tag: "${A:-one ${B:-two} three ${C:-${D:-four}} $${E}}"'
    assert load_text(text).tag == "one two three four ${E}"
    assert load_text(text, environ={"B": "2", "D": "4"}).tag == "one 2 three 4 ${E}"


def test_a_missing_variable_in_a_default_is_missed_only_where_it_is_needed(
    load_text: Loader,
) -> None:
    assert "the variable B is not set" in refusal(load_text, "tag: ${A:-${B}}")
    assert load_text("tag: ${A:-${B}}", environ={"A": "a"}).tag == "a"


@pytest.mark.parametrize(
    "text",
    ["${A:-${B:-c}", "${A:-${B:=c}}", "${A:-${}}", "${${A}}", "${A:-${1}}", "${A:-${B:-${C}}"],
)
@pytest.mark.parametrize("environ", [{}, {"A": "a"}])
def test_a_mistake_in_a_default_is_refused_also_where_it_is_not_needed(
    load_text: Loader, text: str, environ: dict[str, str]
) -> None:
    message = refusal(load_text, f"tag: '{text}'", environ=environ)
    assert "write ${VAR} or ${VAR:-default}" in message


@pytest.mark.timeout(10)
def test_variables_that_stand_in_one_another_without_end_are_refused(load_text: Loader) -> None:
    assert "more than 10 deep" in refusal(load_text, f"tag: '{'${A:-' * 9000}{'}' * 9000}'")
    assert "can't be read" in refusal(load_text, f"tag: '{'${A:-' * 9000}'")


# --- precedence


def test_each_source_comes_before_the_next(load_text: Loader) -> None:
    text = "redis: {url: 'redis://top'}\nproduction: {redis: {url: 'redis://section'}}\n"
    flags = {"redis_url": "redis://flag"}
    environ = {
        "KIQ_ENV": "production",
        "KIQ_REDIS_URL": "redis://:secret@kiq",
        "REDIS_URL": "redis://shared",
    }
    configured = {"redis": {"url": "redis://code"}}
    config = load_text(text, flags=flags, environ=environ, configured=configured)
    assert config.origins["redis.url"] == (
        "--redis-url; overrides redis://:***@kiq from KIQ_REDIS_URL; "
        "overrides redis://code from kiq.configure(...); overrides redis://shared from REDIS_URL; "
        "overrides redis://section from kiq.yml:2 (production); "
        "overrides redis://top from kiq.yml:1"
    )
    won = [config.redis.url]
    won.append(load_text(text, environ=environ, configured=configured).redis.url)
    del environ["KIQ_REDIS_URL"]
    won.append(load_text(text, environ=environ, configured=configured).redis.url)
    won.append(load_text(text, environ=environ).redis.url)
    del environ["REDIS_URL"]
    won.append(load_text(text, environ=environ).redis.url)
    won.append(load_text(text).redis.url)
    won.append(load_text("").redis.url)
    assert won == [
        "redis://flag",
        "redis://:secret@kiq",
        "redis://code",
        "redis://shared",
        "redis://section",
        "redis://top",
        "redis://localhost:6379/0",
    ]


def test_flags_replace_the_queues_and_threads_of_the_default_capsule(load_text: Loader) -> None:
    text = "queues: [a]\ncapsules: {one: {concurrency: 1, queues: [b]}}"
    config = load_text(text, flags={"queues": ["x,2", "y"], "concurrency": 3, "require": ()})
    first, one = config.capsules
    assert (first.queues, first.concurrency) == ((("x", 2), ("y", 1)), 3)
    assert (one.queue_names, one.concurrency) == (("b",), 1)
    assert config.origins["queues"] == "--queue; overrides a from kiq.yml:1"


def test_every_setting_has_a_variable(load_text: Loader) -> None:
    environ = {
        "KIQ_CONCURRENCY": "3",
        "KIQ_QUEUES": "critical,6 default,3",
        "KIQ_SHUTDOWN_TIMEOUT": "1.5",
        "KIQ_REQUIRE": "app.jobs app.more",
        "KIQ_ALLOW_RUBY_SERVER": "1",
        "KIQ_REDIS_PASSWORD": "pw",
        "KIQ_LOG_LEVEL": "WARN",
        "KIQ_TAG": "",
    }
    config = load_text("tag: kept", environ=environ)
    assert config.capsules[0].concurrency == 3
    assert config.capsules[0].queues == (("critical", 6), ("default", 3))
    assert config.shutdown_timeout == 1.5
    assert config.require == ("app.jobs", "app.more")
    assert config.allow_ruby_server is True
    assert config.redis.options == {"password": "pw"}
    assert (config.log_level, config.tag) == ("warning", "kept")


def test_a_variable_that_is_nearly_a_setting_is_noticed(load_text: Loader) -> None:
    environ = {"KIQ_CONCURENCY": "3", "KIQ_TIMEOUT": "5", "KIQ_SOMETHING_ELSE": "x"}
    assert load_text("", environ=environ).notices == (
        "the variable KIQ_CONCURENCY is no setting; did you mean KIQ_CONCURRENCY?",
        "the variable KIQ_TIMEOUT is no setting; did you mean KIQ_SHUTDOWN_TIMEOUT?",
    )


def test_code_may_pass_what_has_no_form_in_a_file(load_text: Loader) -> None:
    provider = object()
    configured = {
        "queues": [("critical", 6), ("low", 1)],
        "redis": {"url": "redis://h", "credential_provider": provider},
        "lease": 30,
        "tag": None,
    }
    config = load_text("tag: kept", configured=configured)
    assert config.capsules[0].queues == (("critical", 6), ("low", 1))
    assert config.redis.options == {"credential_provider": provider}
    assert (config.lease, config.tag) == (30.0, "kept")


def test_a_mistake_in_code_or_flags_names_its_source(load_text: Loader) -> None:
    message = refusal(load_text, "", configured={"codek": "json"}, flags={"concurrency": "x"})
    assert "kiq.configure(...): unknown key codek; did you mean codec?" in message
    assert "--concurrency: concurrency must be a whole number" in message


def test_an_overridden_secret_is_not_shown(load_text: Loader) -> None:
    text = "redis: {password: hunter2}"
    config = load_text(text, environ={"KIQ_REDIS_PASSWORD": "hunter3"})
    assert config.redis.options == {"password": "hunter3"}
    assert config.origins["redis.password"] == "KIQ_REDIS_PASSWORD; overrides *** from kiq.yml:1"


def test_settings_resolve_without_a_file_and_without_yaml() -> None:
    outcome = resolve(None, None, flags={}, environ={"REDIS_URL": "redis://h"}, configured={})
    assert check(outcome).redis.url == "redis://h"


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_break(scratch: Path, text: str) -> None:
    scratch.write_bytes(text.encode("utf-8", "surrogatepass"))
    for problem in problems(str(scratch), environ={}):
        assert str(problem).startswith(str(scratch))


features.load()
#: Those of kiq.contrib are declared where they are imported, and documented on pages of their own.
OWN = [
    name
    for name in known().settings
    if name.partition(".")[0]
    not in {each.name for each in features.declared() if "kiq.contrib" in each.plugin}
]


@pytest.mark.parametrize("name", OWN)
def test_every_setting_and_its_variable_are_documented(name: str) -> None:
    documented = DOCUMENT.read_text()
    assert f"`{name.removeprefix('redis.')}`" in documented
    assert f"`{known().settings[name].variable}`" in documented
