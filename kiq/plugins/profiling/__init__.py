"""Profiling: records the one run of a job that was pushed with ``set(profile="token")``.

The plugin is in :mod:`kiq.plugins.profiling.plugin`; who only reads the keys does not load it.
"""
