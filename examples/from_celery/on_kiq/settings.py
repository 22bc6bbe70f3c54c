"""Where Redis is."""

import os

BROKER = BACKEND = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
