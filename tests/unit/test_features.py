"""What features declare: options and settings that exist from then on, for users and for type checkers."""

from __future__ import annotations

import importlib
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import redis

import kiq
from kiq import features
from kiq.config import Config
from kiq.config_file import FILE, load, read, settings
from kiq.errors import PluginError
from kiq.options import checked
from kiq.plugin import Between, Feature, Secret, declare
from tests.helpers.stored import in_queue

PAGE = Path(__file__).parents[2].joinpath("docs", "plugins.md").read_text("utf-8")
PLUGIN, USE, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(YAML,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register of its own: what a test declares is forgotten afterwards."""
    features.load()
    monkeypatch.setattr(features, "_declared", dict(features._declared))


@dataclass(frozen=True, slots=True)
class Sms:
    sender: str = "kiq"
    key: Annotated[str, Secret] = ""
    per_second: Annotated[int, Between(1, 1000)] = 10
    share: Annotated[float, Between(0, 1)] = 0.5
    to: tuple[str, ...] = ()
    dry: bool = False

    def __post_init__(self) -> None:
        if self.dry and self.to:
            raise ValueError("sms: dry goes to nobody: leave out to, or dry")


@pytest.fixture
def load_text(tmp_path: Path) -> Callable[..., Config]:
    declare(Feature("sms", settings=Sms))

    def run(text: str, **environ: str) -> Config:
        path = tmp_path / "kiq.yml"
        path.write_text(text)
        return load(str(path), environ=environ)

    return run


def test_an_option_of_a_feature_is_checked_and_travels(fresh_registry: object) -> None:
    declare(Feature("sms", options={"per_second": lambda value: value * 2}))
    assert checked("J", {"per_second": 5, "queue": "low"}) == {"per_second": 10, "queue": "low"}


def test_an_option_of_a_feature_is_suggested_and_listed() -> None:
    declare(Feature("sms", options={"per_second": str}))
    with pytest.raises(kiq.ConfigError, match="did you mean 'per_second'"):
        checked("J", {"per_secnd": 5})
    with pytest.raises(kiq.ConfigError, match=r"there are: .*name, per_second, priority, profile"):
        checked("J", {"zzz": 5})


@pytest.mark.parametrize(
    ("said", "told"),
    [("must be even, not 5", "J: per must be even, not 5"), ("is odd", "J: per: is odd")],
)
def test_what_a_check_refuses_is_told_with_the_class_and_the_option(said: str, told: str) -> None:
    def check(_value: Any) -> Any:
        raise ValueError(said)

    declare(Feature("sms", options={"per": check}))
    with pytest.raises(kiq.ConfigError) as raised:
        checked("J", {"per": 5})
    assert str(raised.value) == told


@pytest.mark.parametrize("option", ["queue", "time_limit", "jid", "args", "aliases"])
def test_an_option_that_somebody_has_is_refused(option: str) -> None:
    with pytest.raises(PluginError, match=f"sms: '{option}' can't be an option"):
        declare(Feature("sms", options={option: str}))


def test_a_module_that_is_executed_again_declares_again() -> None:
    for kind in (str, int):
        declare(Feature("sms", options={"per_second": kind}))
    assert checked("J", {"per_second": "5"}) == {"per_second": 5}


def test_the_types_name_the_options_that_exist(standard_features: None) -> None:
    standard = set(features.options())
    assert standard == kiq.Options.__annotations__.keys()
    assert kiq.SetOptions.__annotations__.keys() == standard - {"name", "aliases"}


def test_who_uses_no_feature_loads_none() -> None:
    program = (
        "import sys, kiq\n"
        "class A(kiq.Job, name='A', queue='low', retry=3):\n"
        "    def perform(self): ...\n"
        "A.set(retry=False)\n"
        "assert 'kiq.plugins' not in sys.modules\n"
        "class B(kiq.Job, name='B', time_limit=5):\n"
        "    def perform(self): ...\n"
        "found = {name for name in sys.modules if name.startswith('kiq.plugins.')}\n"
        "assert all(name.startswith('kiq.plugins.declared') for name in found), found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_settings_of_a_feature_have_types_defaults_and_the_rank_of_all(
    load_text: Callable[..., Config],
) -> None:
    assert load_text("").of(Sms) == Sms()
    text = (
        "sms: {sender: shop, per_second: '5', share: 1, to: [a, b], dry: no}\n"
        "production: {sms: {sender: prod}}\n"
    )
    assert load_text(text).of(Sms) == Sms("shop", "", 5, 1.0, ("a", "b"), dry=False)
    assert load_text(text, KIQ_ENV="production").of(Sms).sender == "prod"
    given = load_text(text, KIQ_SMS_SENDER="env", KIQ_SMS_TO="c d")
    assert (given.of(Sms).sender, given.of(Sms).to) == ("env", ("c", "d"))
    assert given.origins["sms.sender"].startswith("KIQ_SMS_SENDER; overrides shop from ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tag: x\nsms:\n  per_second: 0", r":3: sms.per_second must be a whole number from 1 to"),
        ("sms: {share: 2}", r":1: sms.share must be a number from 0 to 1, not 2"),
        ("\nsms: {sendr: x}", r":2: unknown key sms.sendr; did you mean sender\?"),
        ("sms: 5", r":1: sms must be a mapping of settings"),
        ("production:\n  sms: {dry: maybe}", r":2: sms.dry must be true or false"),
        ("smss: {}", r":1: unknown key smss; did you mean sms\?"),
        ("sms: {dry: yes, to: [a]}", "sms: dry goes to nobody"),
        ("sms: {sender: '${NOWHERE}'}", r":1: .*NOWHERE"),
    ],
)
def test_a_mistake_in_a_section_is_told_at_its_line(
    load_text: Callable[..., Config], text: str, told: str
) -> None:
    with pytest.raises(kiq.ConfigError, match=told):
        load_text(text)


def test_a_secret_of_a_feature_is_not_shown(load_text: Callable[..., Config]) -> None:
    config = load_text("sms: {key: hunter2}", KIQ_SMS_KEY="hunter3")
    assert config.of(Sms).key == "hunter3"
    assert "hunter" not in str(config.origins)
    with pytest.raises(kiq.ConfigError) as raised:
        load_text("sms: {key: [hunter2]}")
    assert "hunter" not in str(raised.value)


@pytest.mark.parametrize("name", ["redis", "production", "tag", "capsules", "logfile"])
def test_a_section_that_is_something_else_is_refused(tmp_path: Path, name: str) -> None:
    declare(Feature("sms", settings=Sms, section=name))
    with pytest.raises(PluginError, match=f"sms: the setting '{name}' is taken"):
        load(None, environ={})


@pytest.mark.parametrize("kind", [int, list[str], object, float])
def test_a_setting_that_cannot_be_read_is_refused_with_what_can(kind: Any) -> None:
    @dataclass(frozen=True)
    class Strange:
        odd: int = 0

    Strange.__annotations__["odd"] = kind
    declare(Feature("strange", settings=Strange))
    with pytest.raises(PluginError, match=r"strange: odd can.t be read as .* Between"):
        load(None, environ={})


def test_settings_that_are_no_dataclass_are_refused() -> None:
    declare(Feature("strange", settings=dict))
    with pytest.raises(PluginError, match="strange: settings must be a dataclass"):
        load(None, environ={})


def test_a_section_that_nobody_knows_waits_for_the_plugins_and_a_near_miss_does_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "kiq.yml"
    path.write_text("labelz: {x: 1}\nstrange: 5\ncapsulez: {}\nproduction: {nobody: {}}\n")
    given = {FILE: read(str(path))}
    with pytest.raises(kiq.ConfigError) as raised:
        settings(given, pending=True, environ={})
    assert re.findall(r"yml:(\d): unknown key (\w+)", str(raised.value)) == [
        ("2", "strange"),
        ("3", "capsulez"),
    ]
    with pytest.raises(kiq.ConfigError) as raised:
        settings(given, environ={})
    found = re.findall(r"yml:(\d): unknown key (\w+)", str(raised.value))
    assert [line for line, _ in found] == ["1", "2", "3", "4"]


def test_a_producer_takes_a_file_with_the_section_of_a_plugin(
    tmp_path: Path, unconfigured: None
) -> None:
    path = tmp_path / "kiq.yml"
    path.write_text("slow_jobs: {after: 5}\ncodec: json\n")
    kiq.configure(path)


@pytest.fixture
def slow_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_registry: object) -> Any:
    """The module that the page shows."""
    (tmp_path / "slow_jobs.py").write_text(PLUGIN)
    (tmp_path / "slow_use.py").write_text(USE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "slow_jobs", raising=False)
    monkeypatch.delitem(sys.modules, "slow_use", raising=False)
    return importlib.import_module("slow_jobs")


def test_the_plugin_of_the_page_works(
    slow_jobs: Any,
    fake: redis.Redis,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    use: Any = importlib.import_module("slow_use")
    (job,) = in_queue(fake, "low")
    assert (job["slow_after"], job["args"]) == (0.01, ["big.csv"])
    kiq.host.install(slow_jobs.SlowJobs())
    with caplog.at_level(logging.INFO, "slow_jobs"):
        use.Import.set(slow_after=0.001).perform_inline("x")
        use.Import.set(slow_after=5).perform_inline("x")
    assert [line.split(" took ")[0] for line in caplog.messages] == ["slow_use.Import"]
    with pytest.raises(kiq.ConfigError, match="Import: slow_after must be a number of seconds"):
        use.Import.set(slow_after="x")


def test_the_settings_of_the_page_are_read(slow_jobs: Any, tmp_path: Path) -> None:
    path = tmp_path / "kiq.yml"
    path.write_text(YAML)
    config = load(str(path), environ={"KIQ_ENV": "production"})
    assert config.of(slow_jobs.SlowSettings) == slow_jobs.SlowSettings(30.0, "error")
    assert config.plugins == ("slow_jobs:SlowJobs",)
