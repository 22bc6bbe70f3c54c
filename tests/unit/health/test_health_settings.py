"""Where health is answered: what users write."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiq.config_file import load
from kiq.errors import ConfigError
from kiq.health.address import Address, parse
from kiq.health.settings import HealthSettings


def test_a_file_a_variable_and_a_flag(tmp_path: Path) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text("health: 127.0.0.1:7433\n")
    assert load(str(file), environ={}).of(HealthSettings).health == "127.0.0.1:7433"
    assert load(str(file), environ={"KIQ_HEALTH": ":1"}).of(HealthSettings).health == ":1"
    flags = {"health": "[::1]:7433"}
    assert load(None, flags=flags, environ={}).of(HealthSettings).health == "[::1]:7433"
    assert load(None, environ={}).of(HealthSettings).health == ""


@pytest.mark.parametrize(
    ("text", "address", "near"),
    [
        ("127.0.0.1:7433", Address("127.0.0.1", 7433), "127.0.0.1:7433"),
        ("localhost:80", Address("localhost", 80), "localhost:80"),
        ("[::1]:7433", Address("::1", 7433), "[::1]:7433"),
        ("[::]:7433", Address("::", 7433), "[::1]:7433"),
        (":7433", Address("", 7433), "127.0.0.1:7433"),
        ("0.0.0.0:7433", Address("0.0.0.0", 7433), "127.0.0.1:7433"),
        ("./health.sock", Address(path="./health.sock"), "./health.sock"),
        ("/run/kiq.sock", Address(path="/run/kiq.sock"), "/run/kiq.sock"),
    ],
)
def test_what_an_address_means_and_where_it_is_asked(
    text: str, address: Address, near: str
) -> None:
    assert parse(text) == address
    assert str(address.near) == near


@pytest.mark.parametrize(
    "text", ["7433", "localhost", "::1:7433", "host:", "host:0", "host:65536", "host:-1", "host:x"]
)
def test_what_is_no_address_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text(f"health: '{text}'\n")
    with pytest.raises(ConfigError, match=r"health.*must be an address, as in 127\.0\.0\.1:7433"):
        load(str(file), environ={})
