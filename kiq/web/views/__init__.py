"""The pages of kiq itself, a file for each."""

from __future__ import annotations
