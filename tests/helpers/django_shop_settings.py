"""Settings of :mod:`tests.helpers.django_shop`, out of its environment."""

from __future__ import annotations

import os

SECRET_KEY = "no secret"
INSTALLED_APPS = ["kiq.contrib.django"]
USE_TZ = True
FORCE_SCRIPT_NAME = "/shop"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["SHOP_CACHE"],
    },
    "broken": {"BACKEND": "no.such.Cache"},
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "kiq",
        "HOST": os.environ.get("SHOP_DATABASE", "/nowhere"),
        "CONN_MAX_AGE": None if os.environ.get("SHOP_KEEPS") else 0,
    }
}
