"""What ``kiq doctor`` makes of queues, deploys, silence and clocks: found, and no wolf cried."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiq import doctor
from kiq.api import QueueSummary, Trend
from kiq.doctor import fleet, queues
from kiq.doctor.deploys import Deployed, Runs, failing
from kiq.doctor.finding import CHECKS, Finding
from kiq.doctor.fleet_facts import FleetFacts, ProcessFacts

NOW = 1_800_000_000.0
OLD = {"kiq": True, "codec": "msgpack", "version": "1", "started_at": NOW - 9000}


def process(name: str = "web-1:1:a", *taken: str, **more: Any) -> ProcessFacts:
    info = {**OLD, "queues": list(taken or ("mail", "low")), **more.pop("info", {})}
    return ProcessFacts(name, info, NOW - 2, silence=2.0, **more)


def trend(direction: Any, come: float = 10, go: float = 10, lately: int = 100) -> Trend:
    draining = go - come
    span = 600.0
    return Trend("mail", span, 1200, int(come * span), int(go * span), draining, direction, lately)


LATE = FleetFacts(
    now=NOW,
    processes=(process(),),
    queues=(QueueSummary("mail", 1200, 95.0, False),),
    latencies={"mail": 30.0},
    trends={"mail": trend("growing", 12, 9)},
)


def of(facts: FleetFacts, check: Any = queues.promises) -> list[Finding]:
    found = list(check(facts))
    assert all(each.check in CHECKS for each in found)
    assert all(each.do for each in found if each.level != "ok")
    return [each for each in found if each.level != "ok"]


def test_a_queue_that_is_late_and_grows_is_a_danger() -> None:
    (found,) = of(LATE)
    assert (found.check, found.level, found.where) == ("late", "danger", "mail")
    assert found.what == (
        "queue mail is late: the oldest of 1,200 jobs has waited for 1 min 35 s; 30 s is promised; "
        "12/s come and 9.0/s leave it, over 10 min"
    )
    assert "kiq scale" in found.do


def test_one_that_drains_says_how_long_it_takes() -> None:
    (found,) = of(replace(LATE, trends={"mail": trend("draining", 10, 20)}))
    assert (found.check, found.level) == ("late", "warning")
    assert "it drains, and is empty in 2 min" in found.what


@pytest.mark.parametrize(
    "changes",
    [
        {"queues": (QueueSummary("mail", 1200, 29.0, False),), "trends": {}},
        {"queues": (QueueSummary("mail", 0, 0.0, False),), "trends": {}},
        {"queues": (QueueSummary("mail", 1200, 950.0, True),)},  # paused: that is said apart
        {"queues": (QueueSummary("other", 1200, 950.0, False),)},  # untaken: that, too
        {"queues": ()},
        {"latencies": {}, "trends": {"mail": trend("draining", 1, 9)}},  # a burst, worked off
        {"latencies": {}, "trends": {"mail": trend("level")}},
        {"latencies": {}, "trends": {}},
        {"processes": ()},
    ],
)
def test_no_wolf_is_cried_for(changes: dict[str, Any]) -> None:
    assert of(replace(LATE, **changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"trends": {}},
        {"trends": {"mail": trend("unknown")}},
        {"processes": (process(info={"started_at": NOW - 20}),)},
    ],
)
def test_a_fleet_that_has_just_started_may_catch_up(changes: dict[str, Any]) -> None:
    (found,) = of(replace(LATE, **changes))
    assert (found.check, found.level) == ("late", "warning")


def test_one_worker_more_makes_no_old_fleet_a_fresh_one() -> None:
    fleet_of_two = (process(), process("web-2:1:a", info={"started_at": NOW - 5}))
    (found,) = of(replace(LATE, processes=fleet_of_two))
    assert found.level == "danger"


def test_a_queue_that_grows_is_told_before_it_is_late() -> None:
    (found,) = of(replace(LATE, latencies={"mail": 120.0}))
    assert (found.check, found.level, found.where) == ("growing", "warning", "mail")
    (found,) = of(replace(LATE, latencies={"mail": 3600.0}))
    assert (found.check, found.level) == ("growing", "note")
    (found,) = of(replace(LATE, latencies={}))
    assert found.level == "warning"
    (found,) = of(replace(LATE, latencies={}, queues=(QueueSummary("mail", 1200, 2.0, False),)))
    assert found.level == "note", "two seconds are nothing to get up for"


def test_of_many_queues_the_worst_are_named_and_the_rest_counted() -> None:
    names = [f"q{at}" for at in range(300)]
    facts = replace(
        LATE,
        processes=(process("web-1:1:a", *names),),
        queues=tuple(QueueSummary(name, 5, 40.0 + at, False) for at, name in enumerate(names)),
        latencies=dict.fromkeys(names, 30.0),
        trends={"q5": trend("level")},
    )
    found = of(facts)
    assert [each.where for each in found] == ["q299", "q298", "q297", ""]
    assert (found[-1].what, found[-1].level) == ("297 more queues are late", "danger")


def test_a_typing_mistake_is_named_beside_the_queue_that_is_served() -> None:
    facts = replace(LATE, queues=(QueueSummary("mial", 3, 40.0, False),))
    (found,) = of(facts, queues.queues)
    assert (found.check, found.level, found.where) == ("untaken-queue", "danger", "mial")
    assert found.what.endswith("the oldest for 40 s; did you mean mail?")


def test_a_queue_whose_worker_left_just_now_is_no_danger() -> None:
    queue = QueueSummary("other", 3, 40.0, False)
    facts = replace(LATE, queues=(queue,), trends={"other": trend("level", lately=5)})
    (found,) = of(facts, queues.queues)
    assert (found.check, found.level) == ("untaken-queue", "note")
    facts = replace(facts, trends={"other": trend("level", lately=0)})
    assert of(facts, queues.queues)[0].level == "danger"


def test_a_queue_that_only_quiet_ones_have_is_told_after_a_while() -> None:
    quiet = (process("a:1:x", "mail", quiet=True), process("b:1:x", "low"))
    for latency, expected in ((40.0, []), (95.0, ["quiet-queue"])):
        facts = replace(LATE, processes=quiet, queues=(QueueSummary("mail", 3, latency, False),))
        assert [each.check for each in of(facts, queues.queues)] == expected


def test_a_silent_process_is_named_with_since_when() -> None:
    silent = replace(process("web-9:1:x"), state="silent", silence=25.0)
    (found,) = of(replace(LATE, processes=(process(), silent)), fleet.silence)
    assert (found.check, found.where) == ("silent", "web-9:1:x")
    assert "no sign of life from web-9:1:x for 25 s" in found.what


@pytest.mark.parametrize(
    ("off", "silence", "said"),
    [
        (0.0, 0.0, ""),
        (0.0, 5.0, ""),
        (0.0, 11.0, ""),
        (-3.0, 0.0, ""),  # a write that took its time
        (30.0, 4.0, "30 s ahead of"),
        (-90.0, 4.0, "1 min 30 s behind"),
    ],
)
def test_a_clock_is_wrong_whatever_the_age_of_the_beat(
    off: float, silence: float, said: str
) -> None:
    one = replace(process(), beat=NOW - silence + off, silence=silence)
    found = of(replace(LATE, processes=(one,)), fleet.silence)
    assert [each.check for each in found] == (["worker-clocks"] if said else [])
    assert said in (found[0].what if found else "")


@pytest.mark.parametrize(
    ("since", "level"), [(120.0, "note"), (3000.0, "note"), (7200.0, "warning")]
)
def test_several_versions_are_a_deployment_for_an_hour(since: float, level: str) -> None:
    fresh = process("web-2:1:a", info={"version": "2", "started_at": NOW - since})
    (found,) = of(replace(LATE, processes=(process(), fresh)), fleet.companions)
    assert (found.check, found.level) == ("versions", level)
    assert "1 (1), 2 (1)" in found.what


def test_tags_and_pythons_are_told_apart() -> None:
    one = process(info={"tag": "v1", "python": "3.12.1"})
    other = process("web-2:1:a", info={"tag": "v2", "python": "3.13.0"})
    found = of(replace(LATE, processes=(one, other, process("c:1:a"))), fleet.companions)
    assert {each.check: each.level for each in found} == {"pythons": "note", "tags": "note"}


@pytest.mark.parametrize(
    ("runs", "fails"),
    [
        (Runs(900, 1, 100, 80), True),
        (Runs(900, 0, 20, 5), True),
        (Runs(0, 0, 10, 6), True),  # a class that is new, and broken
        (Runs(0, 0, 10, 4), False),
        (Runs(900, 800, 100, 90), False),  # it always failed
        (Runs(900, 90, 100, 25), False),  # twice as often may be chance
        (Runs(900, 0, 100, 4), False),  # too few to tell
        (Runs(900, 0, 1000, 50), False),  # a flaky net
        (Runs(900, 0, 0, 0), False),
    ],
)
def test_a_class_fails_since_a_deploy_that_did_not_before(runs: Runs, fails: bool) -> None:
    assert runs.fails_since == fails
    found = list(failing(Deployed("v2.7", 720.0, {"app.Mail": runs, "app.Other": Runs(9, 0, 9)})))
    if fails:
        (one,) = found
        assert (one.check, one.level, one.where) == ("failing", "warning", "app.Mail")
        assert 'since the deploy "v2.7" 12 min ago' in one.what
        assert "kiq retries --class app.Mail" in one.do
    else:
        assert [each.level for each in found] == ["ok"]


def test_without_a_deploy_nothing_is_said() -> None:
    assert list(failing(Deployed())) == []


def test_every_check_that_is_made_can_be_chosen() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(doctor.__path__[0]).rglob("*.py"))
    named = set(re.findall(r"""Finding\(\s*"([a-z-]+)\"""", source)) - {"well"}
    assert len(named) > 25
    assert named - set(CHECKS) == set(), "name it among CHECKS"


def test_what_others_wrote_can_not_act_on_the_terminal() -> None:
    evil = "\x1b[2J"
    facts = replace(
        LATE,
        processes=(process(evil, evil, state="silent"), process("b:1:x", evil)),
        queues=(QueueSummary(evil, 9, 99.0, False),),
        latencies={evil: 1.0},
        trends={evil: trend("growing")},
    )
    found = [*of(facts), *of(facts, fleet.silence), *of(facts, fleet.companions)]
    found += failing(Deployed(evil, 1.0, {evil: Runs(9, 0, 9, 9)}))
    assert len(found) >= 3
    assert all((each.what + each.do).isprintable() for each in found)
