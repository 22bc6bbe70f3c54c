"""Features that attach to the house by plugin, middleware and events."""
