"""``manage.py kiq``."""
