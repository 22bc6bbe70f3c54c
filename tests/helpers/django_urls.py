"""Addresses of the project of the tests; imported where its apps are installed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

import kiq.web
from kiq.contrib.django.web import web_ui


def by_header(request: HttpRequest) -> kiq.web.Visitor | None:
    """A policy that no application should have."""
    name = request.headers.get("X-Who")
    return kiq.web.visitor(name, "reader") if name else None


urlpatterns = [
    path("admin/", admin.site.urls),
    path("ops/kiq/", include("kiq.contrib.django.urls")),
    path("open/kiq/", include(web_ui(by_header), namespace="open")),
]
