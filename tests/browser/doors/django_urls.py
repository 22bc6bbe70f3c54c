"""The addresses of the project that in_django makes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("kiq/", include("kiq.contrib.django.urls")),
]
