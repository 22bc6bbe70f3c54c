"""The reference of settings, and the schema for editors, say what the code does."""

from __future__ import annotations

import pytest

from kiq import features
from kiq.config_file.about import about
from kiq.config_file.schema import known
from kiq.config_file.shapes import forms_of
from tests.house.settings_reference import PAGE, SCHEMA, schema, table, written

AGAIN = "write both anew: .venv/bin/python -m tests.house.settings_reference"


@pytest.fixture(autouse=True)
def _loaded(standard_features: None) -> None:
    features.load()


def test_the_table_in_the_docs_is_what_the_code_says() -> None:
    assert written(PAGE.read_text("utf-8")) == table(), AGAIN


def test_the_schema_in_the_docs_is_what_the_code_says() -> None:
    assert SCHEMA.read_text("utf-8") == schema(), AGAIN


def test_every_setting_says_what_it_is_for_and_what_it_takes() -> None:
    for name, setting in known().settings.items():
        assert forms_of(setting.read) != ({},), f"{name}: its reader has no shape"
        assert about(name) or "." in name, f"{name}: say in kiq/config_file/about.py what it is for"
