"""The web UI in a project: ``path("kiq/", include("kiq.contrib.django.urls"))``."""

from __future__ import annotations

from .web import web_ui

urlpatterns, app_name = web_ui()
