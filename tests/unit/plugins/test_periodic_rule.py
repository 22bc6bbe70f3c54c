"""When a periodic job is due, over years and zones, against other programs and a count by the minute."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiq.plugins.declared.periodic_rule import Rule, Wrong, moment_of, rule_of, seconds_of

cronsim = pytest.importorskip("cronsim")
pytestmark = pytest.mark.needs("cronsim")

ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Moscow", "Africa/Cairo"),
    *("Africa/Casablanca", "America/New_York", "America/Chicago", "America/Los_Angeles"),
    *("America/St_Johns", "America/Sao_Paulo", "America/Santiago", "Asia/Kolkata", "Asia/Tehran"),
    *("Asia/Tokyo", "Asia/Beirut", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland"),
    *("Pacific/Apia", "America/Havana"),
)
FIRST = datetime(2019, 1, 1, tzinfo=UTC).timestamp()
TEN_YEARS = 10 * 365 * 86_400
moments = st.integers(int(FIRST), int(FIRST) + TEN_YEARS)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A field of an expression: a star, a number, a list, a range, steps of either."""
    numbers = st.integers(low, high)
    pairs = st.tuples(numbers, numbers).filter(
        lambda pair: pair[0] < pair[1]
    )  # the other takes 2-2 for *
    ranges = pairs.map(lambda pair: f"{pair[0]}-{pair[1]}")
    steps = st.tuples(st.one_of(st.just("*"), ranges), st.integers(1, high)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    lists = st.lists(st.one_of(numbers.map(str), ranges), min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), numbers.map(str), ranges, steps, lists)


expressions = st.tuples(
    field(0, 59), field(0, 23), field(1, 28), field(1, 12), st.one_of(st.just("*"), field(0, 6))
).map(" ".join)


@given(expressions, moments)
@settings(max_examples=80, deadline=None)
def test_in_utc_it_agrees_with_another_program(expression: str, moment: int) -> None:
    import croniter

    rule = rule_of(cron=expression)
    # Which of the two day fields is a star is told by the text here, as in Debian's cron.
    days, weekdays = expression.split()[2], expression.split()[4]
    together = days.startswith("*") or weekdays.startswith("*")
    other = croniter.croniter(
        expression,
        datetime.fromtimestamp(moment, UTC),
        day_or=not together,
        max_years_between_matches=60,
    )
    ours = list(itertools.islice(rule.between(moment, moment + 80 * 365 * 86_400), 5))
    assert ours == [int(other.get_next(float)) for _ in ours]
    assert len(ours) == 5


@given(expressions, moments, st.sampled_from(ZONES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_ticks_only_go_forward_and_depend_on_nothing_but_the_rule(
    expression: str, moment: int, zone: str
) -> None:
    rule = rule_of(cron=expression, timezone=zone)
    ticks = list(itertools.islice(rule.between(moment, moment + TEN_YEARS), 6))
    assert ticks == sorted(set(ticks))
    assert all(tick > moment for tick in ticks)
    # From whatever moment between two ticks one looks, the next is the same.
    for before, after in itertools.pairwise(ticks):
        for look in {before, before + 1, (before + after) // 2, after - 1} - {after}:
            assert rule.after(look) == after


@given(expressions, moments, st.sampled_from(ZONES), st.integers(1, 400))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_latest_tick_is_the_last_that_is_not_later(
    expression: str, moment: int, zone: str, hours: int
) -> None:
    rule = rule_of(cron=expression, timezone=zone)
    since = moment - hours * 3600
    ticks = list(rule.between(since, moment))
    assert rule.latest(moment, since) == (ticks[-1] if ticks else None)


def transitions(zone: str) -> list[int]:
    """The moments of ten years at which the clocks of *zone* are set."""
    info, found = ZoneInfo(zone), []
    at = datetime.fromtimestamp(FIRST, UTC)
    while at.timestamp() < FIRST + TEN_YEARS:
        after = at + timedelta(hours=6)
        if at.astimezone(info).utcoffset() != after.astimezone(info).utcoffset():
            found.append(int(at.timestamp()))
        at = after
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", ["*/15 * * * *", "30 */2 * * *"])
def test_what_has_a_star_for_its_hours_follows_the_clock_on_the_wall_minute_by_minute(
    zone: str, expression: str
) -> None:
    rule = rule_of(cron=expression, timezone=zone)
    minutes = {"*/15 * * * *": {0, 15, 30, 45}, "30 */2 * * *": {30}}[expression]
    info = ZoneInfo(zone)
    for change in transitions(zone)[::5]:
        since, until = change - 4 * 3600, change + 6 * 3600
        wall = [
            (at, datetime.fromtimestamp(at, info))
            for at in range(since - since % 60 + 60, until + 1, 60)
        ]
        expected = [
            at
            for at, shown in wall
            if shown.minute in minutes and ("*/2" not in expression or shown.hour % 2 == 0)
        ]
        assert list(rule.between(since, until)) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_a_fixed_time_comes_once_a_day_in_the_gap_behind_it_in_the_fold_at_the_first(
    zone: str,
) -> None:
    info = ZoneInfo(zone)
    for change, (hour, minute) in itertools.product(
        transitions(zone), [(0, 10), (1, 30), (2, 30), (3, 5)]
    ):
        rule = rule_of(cron=f"{minute} {hour} * * *", timezone=zone)
        since, until = change - 40 * 3600, change + 60 * 3600
        ticks = list(rule.between(since, until))
        days = [datetime.fromtimestamp(tick, info).date() for tick in ticks]
        gaps = {after - before for before, after in itertools.pairwise(ticks)}
        assert len(set(days)) == len(days)  # never twice
        assert all(20 * 3600 < gap < 28 * 3600 for gap in gaps) or zone == "Pacific/Apia"
        for tick in ticks:
            shown = datetime.fromtimestamp(tick, info)
            assert shown.fold == 0 or (shown.hour, shown.minute) != (hour, minute)
            if (shown.hour, shown.minute) != (hour, minute):  # that time was left out, that day
                nominal = shown.replace(hour=hour, minute=minute, fold=0)
                again = nominal.astimezone(UTC).astimezone(info)
                assert (again.hour, again.minute) != (hour, minute)


def test_the_days_on_which_berlin_sets_its_clocks() -> None:
    def shown(cron: str, since: str, count: int) -> list[str]:
        rule = rule_of(cron=cron, timezone="Europe/Berlin")
        at = datetime.fromisoformat(since).timestamp()
        ticks = itertools.islice(rule.between(at, at + 10 * 86_400), count)
        return [datetime.fromtimestamp(tick, UTC).strftime("%d %H:%M") for tick in ticks]

    # 02:30 is not there on 31 March: it comes when the clocks have been set.
    assert shown("30 2 * * *", "2030-03-30T12:00Z", 2) == ["31 01:00", "01 00:30"]
    # 02:30 is there twice on 27 October: the first counts; an hourly job has both hours.
    assert shown("30 2 * * *", "2030-10-26T12:00Z", 2) == ["27 00:30", "28 01:30"]
    assert shown("30 * * * *", "2030-10-27T00:00Z", 3) == ["27 00:30", "27 01:30", "27 02:30"]
    # Looked at in the second of the two hours, the first of them is past.
    assert shown("45 2 * * *", "2030-10-27T01:30Z", 1) == ["28 01:45"]


@pytest.mark.parametrize(
    ("expression", "year", "count"),
    [
        ("0 0 13 * 5", 2030, 63),  # either of the two
        ("0 0 1-31 * 5", 2030, 365),  # a range is no star
        ("0 0 */2 * 5", 2030, None),  # a step is: both
        ("0 0 L * *", 2030, 12),
        ("0 0 * * 5L", 2030, 12),
        ("0 0 * * MON#1", 2030, 12),
        ("0 0 * * 5-7", 2030, 156),
        ("0 0 * JAN-MAR Mon", 2030, 12),
        ("@daily", 2030, 365),
        ("@Weekly", 2030, 52),
        ("*/30 0 0 1 1 *", 2030, 2),
        ("0 0 29 2 *", 2032, 1),
    ],
)
def test_fields_are_read_as_cron_reads_them(expression: str, year: int, count: int | None) -> None:
    since = datetime(year, 1, 1, tzinfo=UTC).timestamp() - 1
    until = datetime(year + 1, 1, 1, tzinfo=UTC).timestamp() - 1
    ticks = list(rule_of(cron=expression).between(since, until))
    days = {(datetime.fromtimestamp(tick, UTC)).weekday() for tick in ticks}
    if count is None:
        assert days == {4}
        assert 20 < len(ticks) < 32
    elif expression == "0 0 13 * 5":
        assert count - 2 <= len(ticks) <= count
    else:
        assert len(ticks) == count


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "*/0 * * * *",
        "* * *",
        "60 * * * *",
        "* * * * 8",
        "@often",
        "",
        "a b c d e",
    ],
)
def test_what_never_comes_or_is_none_is_refused_at_once(expression: str) -> None:
    with pytest.raises(Wrong) as caught:
        rule_of(cron=expression)
    assert caught.value.key == "cron"


def test_what_is_rare_is_not_refused() -> None:
    rule = rule_of(cron="0 0 29 2 *")
    assert (
        rule.after(datetime(2096, 3, 1, tzinfo=UTC).timestamp())
        == datetime(2104, 2, 29, tzinfo=UTC).timestamp()
    )


@given(st.integers(1, 10**6), moments)
def test_an_interval_stands_on_the_epoch_whoever_begins_when(every: int, moment: int) -> None:
    rule = Rule(every=every)
    tick = rule.after(moment)
    assert tick is not None
    assert moment < tick <= moment + every
    assert tick % every == 0
    assert rule.after(tick) == tick + every


def test_start_and_end_are_the_first_and_last_moment_that_count() -> None:
    rule = rule_of(
        every="1h", start="2030-01-01T00:30", end="2030-01-01T02:30", timezone="Europe/Berlin"
    )
    ticks = list(rule.between(0, 2_000_000_000))
    assert [datetime.fromtimestamp(each, UTC).strftime("%H:%M") for each in ticks] == [
        "23:30",
        "00:30",
        "01:30",
    ]
    assert rule.latest(1.9e9, 1.8e9) == ticks[-1]
    assert rule.after(ticks[-1]) is None


@pytest.mark.parametrize(
    ("given_", "key"),
    [
        ({}, ""),
        ({"cron": "* * * * *", "every": "5m"}, ""),
        ({"every": "0s"}, "every"),
        ({"every": "soon"}, "every"),
        ({"every": True}, "every"),
        ({"every": 0.5}, "every"),
        ({"every": "5m", "timezone": "Mars/Olympus"}, "timezone"),
        ({"every": "5m", "start": "tomorrow"}, "start"),
        ({"every": "5m", "start": "2030-01-02", "end": "2030-01-01"}, "end"),
        ({"cron": 5}, "cron"),
    ],
)
def test_what_is_wrong_is_told_by_its_key(given_: dict[str, Any], key: str) -> None:
    with pytest.raises(Wrong) as caught:
        rule_of(**given_)
    assert caught.value.key == key


def test_times_are_written_in_many_ways() -> None:
    assert [
        seconds_of(it) for it in ("30s", "5m", "1h30m", "1d", "2w", 90, timedelta(hours=2))
    ] == [*(30, 300, 5400, 86_400, 1_209_600, 90, 7200)]
    assert moment_of("2030-07-01T12:00", "Europe/Berlin") == moment_of(
        "2030-07-01T10:00+00:00", "UTC"
    )
