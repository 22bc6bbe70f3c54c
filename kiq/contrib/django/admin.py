"""The admin's link to the web UI, for those who may look at it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

from .models import Dashboard


def address() -> str | None:
    """Return where the project has mounted the UI; None: nowhere."""
    try:
        return str(reverse("kiq:ui", kwargs={"path": ""}))
    except NoReverseMatch:
        return None


@admin.register(Dashboard)
class DashboardAdmin(admin.ModelAdmin):  # type: ignore[misc]
    """A line in the list of the admin; what it leads to is no page of the admin's."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the line is there."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Tell whether the user may look, and there is something to look at."""
        return address() is not None and bool(request.user.has_perm("kiq.look"))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nothing is deleted here."""
        return False

    def changelist_view(
        self,
        request: HttpRequest,
        extra_context: Any = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Lead to the UI."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(address())
