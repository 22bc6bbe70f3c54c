"""Metrics: how many jobs of each class ran, failed, how long they ran, how long they had waited.

The plugin is in :mod:`kiq.plugins.metrics.plugin`; who only reads the keys does not load it.
"""
