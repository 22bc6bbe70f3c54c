"""examples/flask and examples/fastapi: somebody signs up, gets a mail, orders a report and sees it grow."""

from __future__ import annotations

import json
import shutil
import sys
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

pytestmark = pytest.mark.timeout(120)  # two processes that import a framework each

WATCHES = """
def watch(get, place):
    seen = []
    while not seen or seen[-1]["status"] not in ("done", "dead"):
        seen.append(get(f"{place}/state"))
        time.sleep(0.02)
    print("seen", json.dumps([sorted({each["percent"] for each in seen}), seen[-1]]), flush=True)
"""
FLASK = f"""
import json, time
from app import create_app
{WATCHES}
pages = create_app().test_client()
assert pages.get("/kiq/").headers["Location"].startswith("/?next="), "closed"
for name in ("ann", "bob", "boss"):
    pages.post("/signup", data={{"name": name, "address": f"{{name}}@x.org"}})
assert "Hello boss" in pages.get("/").text
place = pages.post("/report").headers["Location"]
assert "<progress" in pages.get(place).text
watch(lambda url: pages.get(url).json, place)
print("ui", pages.get("/kiq/").status_code, flush=True)
"""
FASTAPI = f"""
import asyncio, json, time
from main import app, lifespan
from tests.helpers.asgi import ask
{WATCHES}
async def begin():
    async with lifespan(app):
        pass

asyncio.run(begin())
boss = {{"Cookie": "user=boss"}}
assert ask(app, "/kiq/").headers["location"].startswith("/?next="), "closed"
for name in ("ann", "bob", "boss"):
    answer = ask(app, "/signup", form={{"name": name, "address": f"{{name}}@x.org"}})
    assert f"user={{name}}" in answer.headers["set-cookie"], answer
assert "Hello" in ask(app, "/", headers=boss).text
place = ask(app, "/report", form={{}}).headers["location"]
assert "<progress" in ask(app, place).text
watch(lambda url: json.loads(ask(app, url).text), place)
print("ui", ask(app, "/kiq/", headers=boss).status, flush=True)
"""


@pytest.mark.parametrize(
    ("name", "drives", "worker"),
    [
        pytest.param(
            "flask",
            FLASK,
            (sys.executable, "-m", "flask", "--app", "app", "kiq"),
            marks=pytest.mark.needs("flask", "werkzeug", "cronsim"),
        ),
        pytest.param(
            "fastapi",
            FASTAPI,
            (sys.executable, "-m", "kiq", "-r", "jobs"),
            marks=pytest.mark.needs("fastapi", "werkzeug", "cronsim", "greenlet"),
        ),
    ],
)
def test_a_shop_at_work(site: Site, name: str, drives: str, worker: tuple[str, ...]) -> None:
    example = ROOT / "examples" / name
    shutil.copytree(example, site.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    site.write("drives.py", drives)
    outbox = site.folder / "outbox"
    runs = site.run(command=worker, MAIL_URL=f"file://{outbox}")
    runs.wait_until_ready()
    visitor = site.run(command=(sys.executable, "drives.py"))
    assert visitor.wait(60) == 0, f"{visitor.log}\n{runs.log}"
    percents, state = json.loads(visitor.says("seen").removeprefix("seen "))
    assert state["report"]["users"] == 3
    assert percents[-1] == 100
    assert "ui 200" in visitor.log
    eventually(lambda: outbox.exists() and len(list(outbox.glob("*.eml"))) == 3)
    mails = [
        message_from_bytes(each.read_bytes(), policy=policy.default)
        for each in outbox.glob("*.eml")
    ]
    assert {each["To"] for each in mails} == {"ann@x.org", "bob@x.org", "boss@x.org"}
    site.client.push({"class": "jobs.NightlyReport", "args": []})
    runs.says("nightly report: 3 users")
    assert runs.stop() == 0
    assert site.count("retry") == 0


def test_readmes_name_the_extras() -> None:
    for name in ("flask", "fastapi"):
        assert f"[{name}," in Path(ROOT / "examples" / name / "README.md").read_text()
