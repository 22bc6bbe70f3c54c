"""The commands that look at Redis and handle what lies there, on top of :mod:`kiq.api`."""
