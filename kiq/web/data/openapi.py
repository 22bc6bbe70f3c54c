"""The OpenAPI document: of the routes that there are, and of the types that they answer with."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from ... import __version__
from ..routing import Route
from . import shapes

BASE = "/api/v1"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}

Schema = dict[str, Any]


def document(routes: Iterable[Route], root: str) -> Schema:
    """Return the document of the API that is mounted under *root*."""
    paths: dict[str, Schema] = {}
    for route in routes:
        if route.method == "POST":
            paths[f"/acts/{route.name}"] = {"post": _act(route)}
        elif route.answers is not None and route.path.startswith(BASE):
            path = re.sub(r"<(\w+)>", r"{\1}", route.path.removeprefix(BASE))
            paths[path] = {"get": _look(route)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "kiq", "version": __version__},
        "servers": [{"url": root + BASE}],
        "security": [{"token": []}, {"password": []}],
        "paths": paths,
        "components": {
            "schemas": {_name(shape): schema_of(shape) for shape in _all()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def schema_of(shape: Any) -> Schema:
    """Return the JSON schema of a type of :mod:`kiq.web.data.shapes`."""
    hints = get_type_hints(shape)
    return {
        "type": "object",
        "description": inspect.getdoc(shape) or "",
        "properties": {name: _schema(kind) for name, kind in hints.items()},
        "required": list(hints),
    }


def _schema(kind: Any) -> Schema:
    if is_typeddict(kind):
        return {"$ref": f"#/components/schemas/{_name(kind)}"}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    origin, inner = get_origin(kind), get_args(kind)
    if origin is list:
        return {"type": "array", "items": _schema(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1])}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each) for each in inner]}
    return {}  # anything


def _look(route: Route) -> Schema:
    shape = route.answers
    return {
        **_said_of(route),
        "parameters": [
            *(_parameter(name, "path") for name in re.findall(r"<(\w+)>", route.path)),
            *(_parameter(name, "query", words) for name, words in route.takes.items()),
            _parameter("fleet", "query", "which fleet, where there are several"),
        ],
        "responses": {"200": _answer(shape), "default": _answer(shapes.ErrorShape)},
    }


def _act(route: Route) -> Schema:
    fields = {name: {"type": "string", "description": words} for name, words in route.takes.items()}
    body: Schema = {"type": "object", "properties": fields}
    return {
        **_said_of(route),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _answer(shapes.OutcomeShape),
            "default": _answer(shapes.ErrorShape),
        },
    }


def _said_of(route: Route) -> Schema:
    words = inspect.getdoc(route.view) or ""
    return {
        "operationId": route.name,
        "summary": words.partition("\n")[0],
        "description": f"Needs the permission `{route.permission}`.",
    }


def _parameter(name: str, place: str, words: str = "") -> Schema:
    found = {"name": name, "in": place, "schema": {"type": "string"}, "description": words}
    return {**found, "required": True} if place == "path" else found


def _answer(shape: Any) -> Schema:
    schema = _schema(shape) if is_typeddict(shape) else {}
    return {
        "description": (inspect.getdoc(shape) or "").partition("\n")[0] or "the answer",
        "content": {"application/json": {"schema": schema}},
    }


def _all() -> Iterable[Any]:
    found: Mapping[str, Any] = vars(shapes)
    return [each for each in found.values() if is_typeddict(each)]


def _name(shape: Any) -> str:
    return str(shape.__name__).removesuffix("Shape")
