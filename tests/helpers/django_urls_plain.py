"""Addresses of a project without an admin."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("kiq/", include("kiq.contrib.django.urls"))]
