"""The pages of metrics on a real server: numbers, charts, deploys, and who may read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis

import kiq.web
from kiq.api import Deploy
from tests.helpers.measured import measure
from tests.helpers.server import TestServer
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'>"


@pytest.fixture
def measured(raw: redis.Redis) -> None:
    """Two classes that ran, one of them for longer."""
    for ago in range(1, 20):
        measure(raw, ago, "app.Mail", [0.1, 0.2], failed=1, waits=[0.01, 0.02])
    measure(raw, 3, "app.Report", [90.0])


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(?!title).*?>", " ", text))


@pytest.mark.usefixtures("measured")
def test_classes_stand_by_their_share_of_time(redis_url: str) -> None:
    pages = Browser(application(redis_url))
    text = pages.get("/metrics").text
    assert text.index("Report</a>") < text.index("Mail</a>")
    assert "94.0 %" in text
    by_runs = pages.get("/metrics?sort=runs").text
    assert by_runs.index("Mail</a>") < by_runs.index("Report</a>")
    assert "19 <small>33.3 %" in by_runs


@pytest.mark.usefixtures("measured")
def test_a_part_of_a_name_finds_classes(redis_url: str) -> None:
    pages = Browser(application(redis_url))
    text = pages.get("/metrics?q=mAi").text
    assert "Mail</a>" in text
    assert "Report</a>" not in text
    assert "No class that ran in this time" in pages.get("/metrics?q=nobody").text


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("over", ["", "&over=8h", "&over=24h", "&over=72h", "&over=nonsense"])
def test_a_class_has_its_page_over_each_period(redis_url: str, over: str) -> None:
    answer = Browser(application(redis_url)).get(f"/metrics/class?name=app.Mail{over}")
    assert answer.status_code == 200
    assert "57" in plain(answer.text)
    minutes = over in ("", "&over=8h", "&over=nonsense")
    assert ('class="cell' in answer.text) == minutes
    assert ("percentiles are kept for 8 hours" in answer.text) != minutes


@pytest.mark.usefixtures("measured")
def test_a_deploy_stands_in_the_charts_and_is_compared(redis_url: str) -> None:
    now = datetime.now(UTC)
    Deploy(redis_url).mark("v2", now - timedelta(minutes=5))
    Deploy(redis_url).mark(EVIL, now - timedelta(minutes=10))
    pages = Browser(application(redis_url))
    text = pages.get("/metrics/class?name=app.Mail").text
    chosen = r'href="([^"]*mark=[^"]*)"( aria-current="true")?'
    assert text.count('<g class="mark">') == 2 * 4
    assert "Before and after a deploy" in text
    assert "<script>alert" not in text
    links = re.findall(chosen, text)
    assert [bool(current) for _, current in links] == [False, True]
    other = pages.get(links[0][0].replace("&amp;", "&")).text
    assert [bool(current) for _, current in re.findall(chosen, other)] == [True, False]


def test_nothing_measured_is_said_and_so_is_a_class_that_did_not_run(
    redis_url: str, raw: redis.Redis
) -> None:
    pages = Browser(application(redis_url))
    assert "No run was counted in this time" in pages.get("/metrics").text
    answer = pages.get("/metrics/class?name=" + "%3Cscript%3Ealert(1)")
    assert "No run of this class was counted" in answer.text
    assert "<script>alert" not in answer.text
    assert pages.get("/metrics/class").status_code == 200
    assert raw.dbsize() == 0


def test_who_may_not_read_metrics_is_told_so(private_server: Callable[..., TestServer]) -> None:
    server = private_server()
    server.client().acl_setuser(
        "looker",
        enabled=True,
        passwords=["+pw"],
        keys=["*"],
        commands=["+@all", "-hgetall", "-hmget"],
    )
    url = f"redis://looker:pw@127.0.0.1:{server.port}/0"
    pages = Browser(application(url))
    for page in ("/metrics", "/metrics/class?name=app.Mail"):
        answer = pages.get(page)
        assert answer.status_code == 200
        assert "Not allowed here" in answer.text


@pytest.mark.usefixtures("measured")
def test_a_deploy_is_marked_by_who_may(redis_url: str, raw: redis.Redis) -> None:
    pages = Browser(application(redis_url))
    form = {"label": "v3 <b>", "once": "abc"}
    answer = pages.post("/metrics/mark", form)
    assert answer.status_code == 303
    text = pages.get(answer.headers["Location"]).text
    assert "marked: v3 &lt;b&gt;" in text
    now = datetime.now(UTC)
    noted = Deploy(redis_url).between(now - timedelta(minutes=2), now)
    assert list(noted.values()) == ["v3 <b>"]
    for label in ("", "\x1b"):
        again = pages.post("/metrics/mark", {"label": label})
        assert "needs a label" in pages.get(again.headers["Location"]).text
    reader = Browser(application(redis_url, policy=kiq.web.everyone("reader")))
    assert reader.post("/metrics/mark", form).status_code == 403
    assert "Mark now" not in reader.get("/metrics").text


@pytest.mark.usefixtures("measured")
def test_ten_that_look_at_a_class_cost_redis_what_one_does(
    redis_url: str, raw: redis.Redis
) -> None:
    app = application(redis_url)
    page = "/metrics/class?name=app.Mail&over=8h"
    Browser(app).get(page)

    def asked() -> int:
        return int(raw.info("stats")["total_commands_processed"])

    before = asked()
    for _ in range(10):
        assert Browser(app).get(page).status_code == 200
    # What is around the page may be read anew, not its 1,440 hashes.
    assert asked() - before < 300
