"""A small shop: people sign up and are welcomed by mail, and order a report, which takes a while."""

from __future__ import annotations

import os
from typing import Any

import flask
from jobs import Report, welcome
from models import add_user, make_tables, user_named

import kiq
import kiq.web
from kiq.contrib.flask import Kiq
from kiq.contrib.flask.web import web_ui


def who(_request: Any) -> kiq.web.Visitor | None:
    """Let the person who is logged in look at the jobs; the boss may all."""
    name = flask.session.get("user")
    return kiq.web.visitor(name, "admin" if name == "boss" else "reader") if name else None


def create_app() -> flask.Flask:
    """Make the application: for the web server, and for the worker."""
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "an example has no secrets")
    app.config["SHOP"] = "The small shop"
    app.config["KIQ"] = {"redis": os.environ.get("REDIS_URL", "redis://localhost:6379/0")}
    Kiq(app)
    make_tables()
    app.register_blueprint(web_ui(who, login="home"))

    @app.get("/")
    def home() -> str:
        return flask.render_template("home.html", user=flask.session.get("user"))

    @app.post("/signup")
    def signup() -> Any:
        name, address = flask.request.form["name"], flask.request.form["address"]
        user = user_named(name) or add_user(name, address)
        welcome.deliver_later(user.id)
        flask.session["user"] = name
        return flask.redirect("/")

    @app.post("/report")
    def order() -> Any:
        return flask.redirect(f"/report/{Report.perform_async(flask.session.get('user', '?'))}")

    @app.get("/report/<jid>")
    def report(jid: str) -> str:
        return flask.render_template("report.html", jid=jid)

    @app.get("/report/<jid>/state")
    def state(jid: str) -> dict[str, Any]:
        result = kiq.result(jid)
        look = result.look()
        if look.status == "done":
            return {"status": "done", "percent": 100, "report": result.get(timeout=0)}
        far = look.progress
        return {"status": look.status, "percent": (far and far.percentage) or 0}

    return app
