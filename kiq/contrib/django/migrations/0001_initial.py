"""Permissions of the web UI."""

from __future__ import annotations

from django.db import migrations, models

_PERMISSIONS = (
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


class Migration(migrations.Migration):  # type: ignore[misc]
    """Makes no table."""

    initial = True
    operations = [
        migrations.CreateModel(
            "Dashboard",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                )
            ],
            {
                "verbose_name": "background jobs",
                "verbose_name_plural": "background jobs",
                "permissions": _PERMISSIONS,
                "managed": False,
                "default_permissions": (),
            },
        )
    ]
