"""What the shop does, whichever runs it: python ../same.py, in on_celery or on_kiq, beside a worker."""

import sys

sys.path.insert(0, ".")

import shop


def get(result):
    return result.get(timeout=30)


def failure(signature):
    result = signature.delay()
    try:
        get(result)
    except Exception as error:  # noqa: BLE001 (kiq's tells in words what Celery's is)
        return (result.state, result.failed(), result.successful(), str(error).rpartition(": ")[2])
    return None


assert get(shop.mail_welcome.delay("a@example.org", name="Ann")) == "welcome Ann"
assert get(shop.add.apply_async((2, 3))) == 5
assert get(shop.add.s(2).delay(3)) == 5
assert get(shop.app.send_task("shop.add", args=[4], kwargs={"y": 5})) == 9
assert get(shop.total.delay([1, 2, 3])) == 6
assert get(shop.fetch.delay("http://x", 2)) == 2
assert get(shop.gives_up.delay()) == "gave up"
assert get(shop.counted.delay(1)) == "counted"
assert get(shop.throttled.delay()) == 1
assert get(shop.progress.delay(3)) == 3
assert get(shop.ping.delay()) == "pong"
assert get(shop.slow.delay()) == "cut"
assert get(shop.then.delay(shop.mail_welcome.s("b@example.org", name="Bob"))) == "pushed"
assert get(shop.who.apply_async(task_id="an-id-of-ours")) == [
    "an-id-of-ours",
    "shop.who",
    0,
    False,
    "shop.who",
]
assert failure(shop.sync.s(7)) == ("FAILURE", True, False, "no")
assert failure(shop.import_rows.s("bytes")) == ("FAILURE", True, False, "never again")
assert failure(shop.broken.s("why")) == ("FAILURE", True, False, "why")
late = shop.late.apply_async(("soon",), countdown=0.5)
assert not late.ready()
get(late)
assert (late.state, late.successful()) == ("SUCCESS", True)
never = shop.late.apply_async(("never",), countdown=3600)
assert never.state == "PENDING"
never.revoke()
assert shop.add(2, 3) == shop.add.apply((2, 3)).get() == 5
print("all as it should be")
