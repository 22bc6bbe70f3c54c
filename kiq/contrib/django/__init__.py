"""Django: enumerators over QuerySets for iterable jobs."""
