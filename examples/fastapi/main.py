"""A small shop: people sign up and are welcomed by mail, and order a report, which takes a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from database import Session, opened, session
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jobs import Report, welcome

import kiq
import kiq.web
from kiq.contrib.fastapi.web import web_ui

PAGES = Path(__file__).parent / "pages"
SEE_OTHER = 303


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Have what the application shares; of this the worker has the same part: see jobs.py."""
    async with opened():
        yield


app = FastAPI(lifespan=lifespan)


async def who(request: Request) -> kiq.web.Visitor | None:
    """Let the person who is known look at the jobs; the boss may all. (Take a login that is one.)"""
    name = request.cookies.get("user")
    return kiq.web.visitor(name, "admin" if name == "boss" else "reader") if name else None


app.mount("/kiq", web_ui(who, login="/"))


@app.get("/")
async def home(request: Request) -> HTMLResponse:
    page = "home.html" if request.cookies.get("user") else "signup.html"
    return HTMLResponse((PAGES / page).read_text())


@app.post("/signup")
async def signup(request: Request, database: Annotated[Session, Depends(session)]) -> Response:
    form = parse_qs((await request.body()).decode())
    name, address = form["name"][0], form["address"][0]
    user = await database.add(name, address)
    await database.commit()  # before somebody is to read it
    await welcome.aio.perform_async(user)
    answer = RedirectResponse("/", SEE_OTHER)
    answer.set_cookie("user", name, httponly=True, samesite="strict")
    return answer


@app.post("/report")
async def order() -> Response:
    return RedirectResponse(f"/report/{await Report.aio.perform_async()}", SEE_OTHER)


@app.get("/report/{jid}")
async def report(jid: str) -> HTMLResponse:
    return HTMLResponse((PAGES / "report.html").read_text())


@app.get("/report/{jid}/state")
async def state(jid: str) -> dict[str, Any]:
    result = kiq.result(jid).aio
    look = await result.look()
    if look.status == "done":
        return {"status": "done", "percent": 100, "report": await result.get(timeout=0)}
    far = look.progress
    return {"status": look.status, "percent": (far and far.percentage) or 0}
