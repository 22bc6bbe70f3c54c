"""Users and passwords that are read anew for each connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kiq import config_file
from kiq.config import Redis
from kiq.errors import ConfigError
from kiq.store.credentials import Rotating
from kiq.store.source import source_of


def provider(options: dict[str, Any], url: str = "redis://h/0") -> Rotating:
    found = source_of(Redis(url=url, options=options)).arguments["credential_provider"]
    assert isinstance(found, Rotating)
    return found


def test_a_file_is_read_at_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("one\n")
    asked = provider({"password_file": file, "username": "ann"})
    assert asked.get_credentials() == ("ann", "one")
    file.write_text("two\r\n")
    assert asked.get_credentials() == ("ann", "two")


def test_a_function_is_asked_at_each_connection() -> None:
    given = iter(["one", ("bob", "two")])
    asked = provider({"password": lambda: next(given), "username": "ann"})
    assert asked.get_credentials() == ("ann", "one")
    assert asked.get_credentials() == ("bob", "two")


def test_a_user_of_a_file_and_a_password_of_the_url(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("ann")
    asked = provider({"username_file": tmp_path / "user"}, "redis://:pw@h/0")
    assert asked.get_credentials() == ("ann", "pw")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"redis\.password_file: .*/p can't be read: No such file"),
        (b"", "is empty"),
        (b"a\nb\n", "holds more than one line"),
        (b"\xff", "is no text in UTF-8"),
    ],
)
def test_a_file_that_is_of_no_use_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "p"
    if content is not None:
        file.write_bytes(content)
    asked = provider({"password_file": file})
    with pytest.raises((OSError, ValueError), match=said):
        asked.get_credentials()
    with pytest.raises(ConfigError, match=said):
        asked.check()


@pytest.mark.parametrize("given", [None, b"pw", ("a", "b", "c"), ("ann", None)])
def test_what_a_function_gives_must_be_text(given: object) -> None:
    with pytest.raises(TypeError, match=r"redis\.password gave \w+, not text"):
        provider({"password": lambda: given}).get_credentials()


def settings(redis: dict[str, Any], environ: dict[str, str] | None = None) -> Any:
    return config_file.settings({"redis": redis}, environ=environ or {})


def test_a_file_that_is_absent_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"redis\.password_file: .*/p can't be read"):
        settings({"password_file": f"{tmp_path}/p"})


def test_a_mapping_may_have_a_function(tmp_path: Path) -> None:
    found = settings({"url": "redis://h/0", "password": lambda: "pw"})
    assert source_of(found.redis).arguments["credential_provider"].get_credentials() == ("pw",)
    assert "pw" not in repr(found.redis)


def test_of_a_password_and_a_file_the_higher_rank_counts(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("of the file")
    found = settings({"password_file": str(file)}, {"KIQ_REDIS_PASSWORD": "of the variable"})
    assert found.redis.options == {"password": "of the variable"}
    assert "redis.password_file (kiq.configure(...)) is not used" in found.notices[0]
    found = settings({"password": "of code"}, {"KIQ_REDIS_PASSWORD_FILE": str(file)})
    assert source_of(found.redis).arguments["credential_provider"].get_credentials() == (
        "of the file",
    )
    with pytest.raises(ConfigError, match="both given"):
        settings({"password": "a", "password_file": str(file)})


def test_a_password_of_a_url_that_ranks_higher_beats_a_file(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("of the file")
    code = {"password_file": str(file)}
    found = settings(code, {"KIQ_REDIS_URL": "redis://:pw@h/0"})
    assert source_of(found.redis).arguments["password"] == "pw"


def test_sentinels_have_their_own(tmp_path: Path) -> None:
    url = "redis+sentinel://:master@h1,h2/jobs/0"
    source = source_of(Redis(url=url, options={"sentinel_password": lambda: "theirs"}))
    assert source.arguments["password"] == "master"
    assert source.sentinels is not None
    assert source.sentinels.credentials.get_credentials() == ("theirs",)


def test_what_is_for_sentinels_is_left_out_where_there_are_none() -> None:
    found = settings({"url": "redis://h/0", "sentinel_password": "pw"})
    assert found.redis.options == {}
    assert "redis.sentinel_password" in found.notices[0]
