"""SQLAlchemy: enumerators over queries for iterable jobs."""
