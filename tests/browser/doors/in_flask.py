"""Mounted in Flask, behind its login."""

from __future__ import annotations

import sys

import flask
import waitress

import kiq.web
from kiq.contrib.flask.web import web_ui
from tests.browser import shop  # noqa: F401 - its periodic jobs are known then

app = flask.Flask(__name__)
app.secret_key = "of this test"


@app.route("/login", methods=["GET", "POST"])
def login() -> flask.typing.ResponseReturnValue:
    """Ask for a name, and believe it."""
    if flask.request.method == "POST":
        flask.session["user"] = flask.request.form["username"]
        return flask.redirect(flask.request.args["next"])
    return "<form method=post><input name=username><button>Log in</button></form>"


def who(request: flask.Request) -> kiq.web.Visitor | None:
    """Let in who has logged in."""
    name = flask.session.get("user")
    return kiq.web.visitor(name, "admin") if name else None


app.register_blueprint(web_ui(who, url_prefix="/kiq", login="login", environment="production"))

if __name__ == "__main__":
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]))
