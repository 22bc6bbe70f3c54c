"""The UI in the applications of others, each run by ``python -m tests.browser.doors.<its name> PORT``."""
