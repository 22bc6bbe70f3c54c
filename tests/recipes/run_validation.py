"""Recipes that can't run here, held against the schemas of what they are for."""

from __future__ import annotations

import subprocess

import pytest

from tests.recipes.ground import DEPLOY, tool


@pytest.mark.parametrize("version", ["1.30", "1.31", "1.32", "1.33", "1.34"])
def test_kubernetes(version: str) -> None:
    validate = tool("kubernetes-validate")
    command = [validate, "--strict", "--kubernetes-version", version]
    subprocess.run([*command, str(DEPLOY / "kubernetes/worker.yaml")], check=True, timeout=60)


def test_compose() -> None:
    read = "import compose_spec, sys; compose_spec.PyCompose.from_yaml(sys.stdin.read()).validate()"
    python = tool("kubernetes-validate").replace("kubernetes-validate", "python")
    text = (DEPLOY / "docker/compose.yaml").read_text()
    subprocess.run([python, "-c", read], input=text, text=True, check=True, timeout=60)


def test_god() -> None:
    subprocess.run([tool("ruby"), "-c", str(DEPLOY / "god/kiq.god")], check=True, timeout=30)
