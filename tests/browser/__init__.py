"""The web UI in Chromium, as a person sees and uses it."""
