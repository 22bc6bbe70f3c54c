"""The JSON API: what it answers is what its OpenAPI document says, and its acts are those of the pages."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema
import pytest
import redis

import kiq
import kiq.web
from tests.helpers.living import hold, show_process
from tests.helpers.waiting import eventually
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

NOW = time.time()
JID = "5d1c7a52e6ad1ab1f5a1a0d1"


def job(jid: str = JID, **more: Any) -> str:
    fields = {"class": "app.Mail", "args": [{"password": "x"}, 2**70], "jid": jid, "queue": "mail"}
    return json.dumps({**fields, **more})


@pytest.fixture
def store(raw: redis.Redis, unconfigured: None) -> redis.Redis:
    error = {"error_class": "OSError", "error_message": "no route to 7", "failed_at": NOW - 60}
    raw.zadd("retry", {job(**error, retry_count=0): NOW + 60, b"\xff broken": NOW})
    raw.zadd("dead", {job("b" * 24, **error): NOW - 5})
    raw.zadd("schedule", {job("c" * 24): NOW + 99})
    raw.sadd("queues", "mail", "a/b <i>")
    raw.lpush("queue:mail", job("d" * 24), job("e" * 24))
    show_process(raw, "web:1:abc", {"queues": ["mail"], "concurrency": 3, "hostname": "web"})
    hold(raw, "web:1:abc", "mail", job("f" * 24))
    return raw


def client(redis_url: str, role: str = "admin") -> Browser:
    return Browser(application(redis_url, lambda _environ: kiq.web.visitor("ann", role)))


def act(app: Browser, name: str, body: Any, **headers: str) -> Any:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return app.client.post(f"/api/v1/acts/{name}", json=body, headers=named)


PATHS = {
    "/stats": "/stats",
    "/attention": "/attention",
    "/queues": "/queues",
    "/queue": "/queue?name=mail&limit=1",
    "/processes": "/processes",
    "/sets/{set}": "/sets/retries?q=error:route&limit=1",
    "/jobs/{jid}": f"/jobs/{JID}",
    "/failures": "/failures",
    "/plan": "/plan?set=failures&deed=delete&q=class:Mail",
    "/activity": "/activity",
    "/bulk": "",
}


def test_every_answer_is_what_the_document_says(redis_url: str, store: redis.Redis) -> None:
    app = client(redis_url)
    document = app.get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    looks = {path for path, ways in document["paths"].items() if "get" in ways}
    assert {path for path in PATHS if not path.startswith("/plugins")} <= looks
    began = act(app, "bulk.delete", {"set": "dead", "deed": "delete", "at": NOW, "q": "tag:x"})
    query = began.json["query"]["id"]
    for path, example in {**PATHS, "/bulk": f"/bulk?id={query}"}.items():
        answer = app.get("/api/v1" + example)
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/json"
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        whole = {**schema["schema"], "components": document["components"]}
        jsonschema.validate(answer.json, whole)


def test_numbers_are_exact_and_secrets_hidden(redis_url: str, store: redis.Redis) -> None:
    shown = client(redis_url, "reader").get(f"/api/v1/jobs/{JID}")
    assert shown.json["job"]["args"] == [{"password": "•••"}, 2**70]
    assert shown.json["where"] == "retrying"
    assert shown.json["reasons"]
    assert client(redis_url).get(f"/api/v1/jobs/{JID}").json["job"]["args"][0] == {"password": "x"}
    assert client(redis_url).get("/api/v1/jobs/" + "9" * 24).status_code == 404


def test_a_set_is_read_page_by_page(redis_url: str, store: redis.Redis) -> None:
    app, seen, place = client(redis_url), [], ""
    for number in range(60):
        store.zadd("retry", {job(f"{number:024d}"): NOW + 100})
    while True:
        page = app.get(f"/api/v1/sets/retries?limit=25&from={place}").json
        seen += [each["jid"] for each in page["jobs"]]
        if page["next"] is None:
            break
        place = page["next"]
    assert len(seen) == len(set(seen)) == 62
    assert app.get("/api/v1/sets/retries?q=klass:x").status_code == 400
    assert app.get("/api/v1/sets/retries?from=nowhere").status_code == 400
    assert app.get("/api/v1/sets/others").status_code == 404


def test_acts_are_those_of_the_pages(redis_url: str, store: redis.Redis) -> None:
    app = client(redis_url)
    assert act(app, "queue.pause", {"name": "a/b <i>"}).json["ok"] is True
    assert store.smembers("paused") == {b"a/b <i>"}
    (entry, *_) = app.get("/api/v1/sets/dead").json["jobs"]
    done = act(app, "entry.retry", {"set": "dead", "place": entry["place"]}).json
    assert (done["ok"], store.zcard("dead"), store.llen("queue:mail")) == (True, 0, 3)
    newest = app.get("/api/v1/activity").json["entries"][0]
    assert (newest["action"], newest["visitor"]) == ("entry.retry", "ann")


def test_many_are_planned_and_handled(redis_url: str, store: redis.Redis) -> None:
    app = client(redis_url)
    plan = app.get("/api/v1/plan?set=failures&deed=retry&q=error:route").json
    assert (plan["count"], plan["exact"], plan["queues"]) == (2, True, {"mail": 2})
    body = {name: plan[name] for name in ("set", "deed", "q", "at")}
    key = {"once": "0123456789abcdef"}
    begun = act(app, "bulk.retry", {**body, **key}).json
    assert begun["to"] == "bulk"
    course = f"/api/v1/bulk?id={begun['query']['id']}"
    eventually(lambda: app.get(course).json["state"] == "done", 20)
    assert app.get(course).json["handled"] == 2
    assert act(app, "bulk.retry", {**body, **key}).json["outcome"] == "done before"


def test_permissions_are_the_same(redis_url: str, store: redis.Redis) -> None:
    reader = client(redis_url, "reader")
    for name in ("queue.pause", "queue.clear", "entry.delete", "bulk.retry", "process.signal"):
        assert act(reader, name, {"name": "mail"}).status_code == 403, name
    nobody = Browser(application(redis_url, lambda _environ: None))
    for path in ("/api/v1/stats", "/api/v1/openapi.json", "/stats", "/stats/queues"):
        assert nobody.get(path).status_code == 401, path
    assert act(nobody, "queue.pause", {"name": "mail"}).status_code == 401


def test_another_site_can_not_act_by_a_visitors_browser(redis_url: str, store: redis.Redis) -> None:
    app = client(redis_url)
    path = "/api/v1/acts/queue.pause"
    as_form = app.client.post(path, data={"name": "mail"})
    as_text = app.client.post(path, data='{"name": "mail"}', content_type="text/plain")
    assert (as_form.status_code, as_text.status_code) == (415, 415)
    crossing = act(app, "queue.pause", {"name": "mail"}, Sec_Fetch_Site="cross-site")
    assert crossing.status_code == 403
    assert app.client.options(path).headers.get("Access-Control-Allow-Origin") is None
    assert store.smembers("paused") == set()


@pytest.mark.parametrize("body", [[], "x", 5, {"name": {}}, {"name": None}])
def test_what_is_no_object_of_texts_is_refused(
    redis_url: str, store: redis.Redis, body: Any
) -> None:
    answer = act(client(redis_url), "queue.pause", body)
    assert answer.status_code == 400
    assert answer.json["error"]


def test_no_act_is_had_by_get_and_no_page_by_post(redis_url: str, store: redis.Redis) -> None:
    app = client(redis_url)
    assert app.get("/api/v1/acts/queue.pause").status_code == 405
    assert act(app, "queues", {}).status_code == 404
    assert act(app, "nothing", {}).status_code == 404


def test_monitors_that_know_sidekiq_know_this(redis_url: str, store: redis.Redis) -> None:
    said = client(redis_url).get("/stats").json
    assert said["sidekiq"] == {
        **{"processed": 0, "failed": 0, "busy": 1, "processes": 1, "enqueued": 2},
        **{"scheduled": 1, "retries": 2, "dead": 1, "default_latency": 0},
    }
    assert set(said["redis"]) >= {"redis_version", "used_memory_human"}
    assert said["server_utc_time"].endswith(" UTC")
    assert client(redis_url).get("/stats/queues").json == {"mail": 2, "a/b <i>": 0}
