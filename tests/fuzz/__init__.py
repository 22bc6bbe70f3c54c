"""Hostile payloads, fed to live workers: each must end somewhere, and harm nobody."""
