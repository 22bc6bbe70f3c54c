"""Pages of kiq's own plugins, added to the web UI by its public surface: a folder for each plugin.

They stand on :mod:`kiq.web` and :mod:`kiq.api` as pages of anybody's would, and come by the entry points of
the group ``kiq.web``; a plugin itself needs no web UI.
"""

from __future__ import annotations
