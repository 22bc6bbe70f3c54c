"""What Django's permissions, and the admin, know of kiq: rights to look at its pages and to act there."""

from __future__ import annotations

from django.db import models

#: Those of the web UI, by the names that it has for them.
PERMISSIONS = (
    ("look", "see pages and numbers, with secrets hidden"),
    ("pause", "pause and unpause queues and periodic jobs"),
    ("retry", "run jobs of the sets now or at another time"),
    ("cancel", "cancel jobs and batches"),
    ("signal", "make processes quiet, stop them, have them show their threads"),
    ("enqueue", "push jobs and copies of jobs, run periodic jobs now"),
    ("delete", "kill and delete jobs, clear queues and sets"),
    ("mark", "note a deploy"),
    ("unmask", "see arguments that are hidden from others"),
)


class Dashboard(models.Model):  # type: ignore[misc]
    """No table: Django keeps permissions by model, and the admin lists models."""

    class Meta:
        """What Django reads of it."""

        managed = False
        default_permissions = ()
        permissions = PERMISSIONS
        verbose_name = "background jobs"
        verbose_name_plural = "background jobs"
