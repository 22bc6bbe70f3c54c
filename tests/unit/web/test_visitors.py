"""Roles and permissions."""

from __future__ import annotations

import pytest

from kiq.errors import ConfigError
from kiq.web import PERMISSIONS, ROLES, everyone, visitor, wsgi

pytestmark = pytest.mark.needs("werkzeug")


def test_a_reader_only_looks() -> None:
    ann = visitor("ann", "reader")
    assert [each for each in PERMISSIONS if ann.may(each)] == ["look"]


def test_an_operator_can_not_take_anything_back_for_good() -> None:
    bob = visitor("bob", "operator")
    assert bob.may("retry")
    assert not bob.may("delete")
    assert not bob.may("unmask")


def test_an_admin_may_do_all() -> None:
    assert all(map(visitor("eve", "admin").may, PERMISSIONS))
    assert set(ROLES["admin"]) == set(PERMISSIONS)


def test_single_permissions_can_be_given() -> None:
    cat = everyone(["look", "pause"])({})
    assert cat is not None
    assert cat.may("pause")
    assert not cat.may("retry")


def test_what_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no role 'root'; there are reader, operator, admin"):
        visitor("ann", "root")
    with pytest.raises(ConfigError, match="no permission 'fly'"):
        visitor("ann", ["look", "fly"])


def test_a_mount_without_a_policy_is_refused() -> None:
    with pytest.raises(TypeError, match="policy"):
        wsgi()  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="policy= takes a function"):
        wsgi(policy=None, redis="redis://localhost")  # type: ignore[arg-type]
