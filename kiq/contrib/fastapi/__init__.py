"""FastAPI: the web UI in an application of it: :mod:`kiq.contrib.fastapi.web`."""
