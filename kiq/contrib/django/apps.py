"""The Django app: ``INSTALLED_APPS = [..., "kiq.contrib.django"]``."""

from __future__ import annotations

from django.apps import AppConfig

from .attaching import attach


class KiqConfig(AppConfig):  # type: ignore[misc]
    """Attaches kiq when Django is set up, in web and worker processes alike."""

    name = "kiq.contrib.django"
    label = "kiq"
    verbose_name = "kiq"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Apply the settings."""
        attach()
