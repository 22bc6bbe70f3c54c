"""What it costs that Redis is some way off.

The drain of load.py, and perform_async, with Redis 0, 1 and 5 ms away (there and back) behind a
proxy that delays what passes it and does not limit bandwidth, and without the proxy; all in turns.
The proxy is measured first, by PING: what it adds at 0 ms is its own; further off that is part of the
distance, which the fastest PING takes. Prints jobs a second by distance, as shares of those without
the proxy and of those through it at 0 ms; pushes a second, and what share they are of one push for
each median PING and thread. The goal: 1 ms away a worker does 0.80 of what it does without the proxy
(median of the runs). Exit code 1 when it is missed. Run it free and with --pinned.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from parts import contestant, report
from parts.curve import curves
from parts.distant import Distant, round_trips
from parts.drain import drain, python_folder
from parts.pushing import pushes_per_second
from parts.samples import Spread, figure, percentiles, spread
from support import APPS, BenchmarkError, Server

import kiq

sys.path.insert(0, str(APPS))
from kiq_app import Noop

_CHART = Path(__file__).with_name("distance.svg")
_WITHOUT = "no proxy"
_GOAL_AT, _GOAL = 1.0, 0.80  # ms, share of what is done without the proxy
_PINGS = 500
_WARM_UP_SECONDS = 0.2

#: Figures of all runs by place: ``no proxy``, ``0 ms``, ``1 ms``...
Rates = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Drains:
    """Jobs a second at one place, and round by round their shares of those at the other two."""

    place: str
    jobs_per_second: Spread
    of_no_proxy: Spread
    of_0_ms: Spread


@dataclass(frozen=True, slots=True)
class Pushes:
    """Pushes a second at one place, and their share of one for each median PING and thread."""

    place: str
    threads: int
    per_second: Spread
    of_pings: float


def main() -> None:
    """Measure, print, and write the JSON file."""
    arguments = _parser().parse_args()
    with Server() as server, _places(server, arguments.distances) as urls:
        pings = {place: percentiles(round_trips(url, _PINGS)) for place, url in urls.items()}
        _show_pings(pings)
        drains = _drains(_drain_in_turns(server, urls, arguments))
        _show_drains(drains)
        pushes = [
            each
            for threads in arguments.threads
            for each in _pushes(server, urls, pings, threads, arguments)
        ]
        _show_pushes(pushes)
        results = {"ping_seconds": pings, "drains": drains, "pushes": pushes}
        report.finish(arguments, server, results)
        if arguments.write:
            _CHART.write_text(_drawn(drains), encoding="utf-8")
    _judge(drains)


def _drawn(drains: list[Drains]) -> str:
    shares = {
        float(each.place.removesuffix(" ms")): each.of_no_proxy
        for each in drains
        if each.place != _WITHOUT
    }
    title = "Jobs/s with Redis so far off (ms there and back), as a share of those beside it"
    return curves(title, "ms", {"kiq, no-op jobs": shares})


def _parser() -> argparse.ArgumentParser:
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=300_000, help="default %(default)s")
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument(
        "--distances", type=float, nargs="+", default=[1.0, 5.0], help="ms besides 0, default 1 5"
    )
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument(
        "--threads", type=report.positive, nargs="+", default=[1, 8], help="that push, default 1 8"
    )
    made.add_argument(
        "--seconds", type=float, default=2.0, help="of pushing in a run, default %(default)s"
    )
    made.add_argument("--write", action="store_true", help="renew the chart distance.svg")
    report.add_pinned(made)
    return made


@contextmanager
def _places(server: Server, distances: list[float]) -> Iterator[dict[str, str]]:
    """Run a proxy for 0 ms and for each distance; yield the URL for each place."""
    with ExitStack() as stack:
        urls = {_WITHOUT: server.url()}
        for milliseconds in sorted({0.0, *distances}):
            distant = stack.enter_context(Distant(server, milliseconds))
            urls[_place(milliseconds)] = distant.url()
        yield urls


def _place(milliseconds: float) -> str:
    return f"{milliseconds:g} ms"


def _drain_in_turns(
    server: Server, urls: Mapping[str, str], arguments: argparse.Namespace
) -> Rates:
    worker = contestant.kiq(arguments.concurrency, arguments.jobs)
    rates: Rates = {place: [] for place in urls}
    turns = list(urls.items())
    for number in range(1, arguments.runs + 1):
        for place, url in turns:
            there = replace(worker, environment={**worker.environment, "REDIS_URL": url})
            drained = drain(server, there, python_folder(), pinned=arguments.pinned)
            rates[place].append(drained.jobs_per_second)
            print(f"run {number}, {place}: {figure(drained.jobs_per_second)} jobs/s", flush=True)
        turns.reverse()  # who comes second may find the machine changed
    return rates


def _drains(rates: Rates) -> list[Drains]:
    def shares(place: str, other: str) -> Spread:
        return spread([a / b for a, b in zip(rates[place], rates[other], strict=True)])

    return [
        Drains(place, spread(each), shares(place, _WITHOUT), shares(place, _place(0)))
        for place, each in rates.items()
    ]


def _pushes(
    server: Server,
    urls: Mapping[str, str],
    pings: Mapping[str, Mapping[str, float]],
    threads: int,
    arguments: argparse.Namespace,
) -> list[Pushes]:
    rates: Rates = {place: [] for place in urls}
    turns = list(urls.items())
    for _ in range(arguments.runs):
        for place, url in turns:
            server.empty()
            kiq.configure(redis=url)
            measure = partial(pushes_per_second, Noop.perform_async, threads)
            measure(_WARM_UP_SECONDS)  # connections are opened, scripts loaded
            rates[place].append(measure(arguments.seconds))
        turns.reverse()
    return [
        Pushes(
            place,
            threads,
            spread(each),
            spread(each).median * pings[place]["p50"] / threads,
        )
        for place, each in rates.items()
    ]


def _show_pings(pings: Mapping[str, Mapping[str, float]]) -> None:
    rows = [
        (place, *(f"{seconds * 1000:.3f}" for seconds in figures.values()))
        for place, figures in pings.items()
    ]
    print(report.table(("PING, ms", *pings[_WITHOUT]), rows))
    added = pings[_place(0)]["p50"] - pings[_WITHOUT]["p50"]
    print(f"\nthe proxy adds {added * 1000:.3f} ms of its own\n", flush=True)


def _show_drains(drains: list[Drains]) -> None:
    header = ("drain", "jobs/s", "of no proxy", "of 0 ms")
    rows = [
        (each.place, str(each.jobs_per_second), str(each.of_no_proxy), str(each.of_0_ms))
        for each in drains
    ]
    print(f"\n{report.table(header, rows)}\n", flush=True)


def _show_pushes(pushes: list[Pushes]) -> None:
    header = ("perform_async", "threads", "pushes/s", "of PINGs")
    rows = [
        (each.place, str(each.threads), str(each.per_second), f"{each.of_pings:.2f}")
        for each in pushes
    ]
    print(report.table(header, rows))


def _judge(drains: list[Drains]) -> None:
    for each in drains:
        if each.place == _place(_GOAL_AT):
            share = each.of_no_proxy.median
            said = f"{share:.2f} of the jobs/s without the proxy, {_GOAL:.2f} are the goal"
            if share < _GOAL:
                raise BenchmarkError(f"the goal is missed: {each.place} away {said}")
            print(f"\nthe goal is met: {each.place} away {said}")


if __name__ == "__main__":
    report.run(main)
