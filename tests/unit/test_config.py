from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.config import Capsule, Config, Redis, check_queue_name, mask
from kiq.config_file.banner import banner_lines, queues_text
from kiq.config_file.weights import parse_queues
from kiq.errors import ConfigError

QUEUE_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


def test_queues_without_weights_are_strict_and_keep_their_order() -> None:
    assert parse_queues([("b", None), ("a", None)]) == ((("b", 1), ("a", 1)), "strict")


def test_a_repeated_queue_counts_once() -> None:
    queues, mode = parse_queues([("b", None), ("a", None), ("b", None)])
    assert (queues, mode) == ((("b", 1), ("a", 1)), "strict")


def test_weights_of_one_on_every_queue_mean_random_order() -> None:
    assert parse_queues([("a", 1), ("b", 1)]) == ((("a", 1), ("b", 1)), "random")


def test_a_queue_without_weight_counts_one_among_weighted_ones() -> None:
    assert parse_queues([("a", 3), ("b", None)]) == ((("a", 3), ("b", 1)), "weighted")
    assert parse_queues([("a", 1), ("b", None)])[1] == "weighted"


def test_a_queue_with_two_weights_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_queues([("a", 3), ("b", 1), ("a", None)])
    assert str(caught.value) == "queue a stands twice, with weight 3 and with no weight"


@pytest.mark.parametrize("weight", [0, -1, 1001, 10**9, 1.5, "2", True])
def test_a_weight_out_of_range_is_refused(weight: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_queues([("a", weight)])  # type: ignore[list-item]
    assert str(caught.value) == (
        f"the weight of queue a must be a whole number from 1 to 1000, not {weight!r}"
    )


def test_no_queue_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="name at least one"):
        parse_queues([])


@given(st.dictionaries(QUEUE_NAMES, st.integers(1, 1000), min_size=1))
def test_every_given_weight_survives_in_its_order(weights: dict[str, int]) -> None:
    queues, mode = parse_queues(list(weights.items()))
    assert queues == tuple(weights.items())
    assert mode == ("random" if set(weights.values()) == {1} else "weighted")


@pytest.mark.parametrize(
    "name",
    [
        *("default", "a:b", "queue:x", "-lead", "10", "x" * 10_000, "a b", " ", "mailers/high"),
        *("*", "?", "[", "../x", "%2f", "<b>", "é", "日本", "{a}", "}", "a,b", "\u2028", "\xa0"),
    ],
)
def test_these_queue_names_are_allowed(name: str) -> None:
    assert check_queue_name(name) == name


@pytest.mark.parametrize("name", ["", "a\nb", "a\n", "\0", "\x1b[2J", "\x7f", "a\x85", "\udcff"])
def test_these_queue_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="can't be the name of a queue"):
        check_queue_name(name)


def test_the_error_of_a_queue_name_says_what_is_allowed() -> None:
    with pytest.raises(ConfigError) as caught:
        check_queue_name("a\tb")
    assert str(caught.value) == (
        "'a\\tb' can't be the name of a queue: a name is any text that is not empty, without "
        "control characters or halves of surrogate pairs"
    )


def test_the_error_of_an_endless_queue_name_is_short() -> None:
    with pytest.raises(ConfigError) as caught:
        check_queue_name("\t" * 50_000)
    assert "(50000 characters)" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://bob:hunter2@h/0", "redis://bob:***@h/0"),
        ("redis://:hunter2@h/0", "redis://:***@h/0"),
        ("redis://hunter2@h/0", "redis://***@h/0"),
        ("redis://:hun@ter2@h/0", "redis://:***@h/0"),
        ("redis://:hun/ter2@h/0", "redis://:***@h/0"),
        ("redis://:hun?ter2@h/0", "redis://:***@h/0"),
        ("rediss://h/0?password=hunter2&db=3", "rediss://h/0?password=***&db=3"),
        ("redis://h/0?password=hun@ter2", "redis://h/0?password=***"),
        ("redis://h/0?passw%6Frd=hunter2", "redis://h/0?passw%6Frd=***"),
        ("redis://h/0?ssl_password=hunter2", "redis://h/0?ssl_password=***"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock?password=***"),
        ("redis://bob:hunter2", "redis://***"),
        ("bob:hunter2@h", "bob:***@h"),
        ("embedded", "embedded"),
    ],
)
def test_a_password_is_masked_wherever_it_stands(url: str, shown: str) -> None:
    assert mask(url) == shown


@given(
    st.text(st.characters(exclude_characters="&", codec="utf-8"), max_size=20),
    st.sampled_from(
        ["redis://:{}@host:1/0", "redis://bob:{}@host/0", "redis://host/0?password={}"]
    ),
)
def test_no_password_comes_through_the_mask(noise: str, form: str) -> None:
    assert "hunter2" not in mask(form.format(noise + "hunter2"))


def test_the_repr_of_the_settings_holds_no_password() -> None:
    redis = Redis(url="redis://:hunter2@h/0", options={"password": "hunter3"})
    assert repr(redis) in repr(Config(redis=redis))
    assert "hunter" not in repr(redis)


def test_the_banner_says_what_won_and_what_it_overrides() -> None:
    config = Config(
        capsules=(
            Capsule(queues=(("critical", 6), ("default", 3)), mode="weighted"),
            Capsule(name="single", concurrency=1, queues=(("serial", 1),)),
        ),
        redis=Redis(url="redis://:hunter2@h/0"),
        environment="production",
        file="config/kiq.yml",
        origins={
            "environment": "KIQ_ENV",
            "redis.url": "KIQ_REDIS_URL; overrides redis://localhost/0 from REDIS_URL",
            "queues": "config/kiq.yml:3",
            "concurrency": "default",
            "capsules.single.concurrency": "config/kiq.yml:9",
            "codec": "default",
        },
    )
    assert banner_lines(config) == [
        "environment: production (KIQ_ENV)",
        "config file: config/kiq.yml",
        "capsule default: weighted order, queues critical,6 default,3 (config/kiq.yml:3), "
        "10 threads (default)",
        "capsule single: strict order, queues serial, 1 threads (config/kiq.yml:9)",
        "codec: msgpack (default)",
        "redis: redis://:***@h/0 (KIQ_REDIS_URL; overrides redis://localhost/0 from REDIS_URL)",
    ]


def test_the_banner_says_for_which_sidekiq_json_is_written() -> None:
    given = Config(codec="json", sidekiq=7, origins={"sidekiq": "KIQ_SIDEKIQ"})
    assert "sidekiq: 7 (KIQ_SIDEKIQ)" in banner_lines(given)
    assert "sidekiq" not in " ".join(banner_lines(Config(sidekiq=7)))


def test_a_capsule_tells_its_queues_by_name() -> None:
    capsule = Capsule(queues=(("a", 1), ("b", 1)), mode="random")
    assert capsule.queue_names == ("a", "b")
    assert queues_text(capsule) == "a,1 b,1"
