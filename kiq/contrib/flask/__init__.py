"""Flask: the web UI in an application of it: :mod:`kiq.contrib.flask.web`."""
