"""The migration that brings permissions; no table."""
