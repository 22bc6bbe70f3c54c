"""``kiq -r kiq.contrib.django.worker``: set Django up, and import the module ``jobs`` of each app.

And its ``tasks``, where kiq is a backend of these.

``DJANGO_SETTINGS_MODULE`` says which project.
"""

from __future__ import annotations

import django
from django.apps import apps
from django.utils.module_loading import autodiscover_modules

from .attaching import attach
from .mailers import pushes_mail
from .tasked import pushes_tasks

django.setup()
if not apps.is_installed("kiq.contrib.django"):
    attach()
autodiscover_modules("jobs", *(["tasks"] if pushes_tasks() else []))
if pushes_mail():
    from . import mail as mail  # after the set-up; its job is what sends
