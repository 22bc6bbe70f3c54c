"""Mounted in FastAPI, behind its login."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

import kiq.web
from kiq.contrib.fastapi.web import web_ui
from tests.browser import shop  # noqa: F401 - its periodic jobs are known then

app = FastAPI()


@app.get("/login")
async def login() -> HTMLResponse:
    """Ask for a name."""
    return HTMLResponse("<form method=post><input name=username><button>Log in</button></form>")


@app.post("/login")
async def logged_in(request: Request, next: str) -> RedirectResponse:
    """Believe the name."""
    answer = RedirectResponse(next, 303)
    answer.set_cookie("user", (await request.body()).decode().removeprefix("username="))
    return answer


async def who(request: Request) -> kiq.web.Visitor | None:
    """Let in who has logged in."""
    name = request.cookies.get("user")
    return kiq.web.visitor(name, "admin") if name else None


app.mount("/kiq", web_ui(who, login="/login", environment="production"))

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
