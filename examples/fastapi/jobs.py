"""What the shop does in the background: async jobs, with the dependencies of the application."""

from __future__ import annotations

import asyncio
import os
from email.message import EmailMessage

from database import opened, session

import kiq
from kiq.contrib import mail
from kiq.contrib.fastapi import Lifespan, using

kiq.configure(redis=os.environ.get("REDIS_URL", "redis://localhost:6379/0"))
kiq.host.install(Lifespan(opened))  # a worker has the pool too, and not all that the web server has


@kiq.job
async def welcome(user_id: int) -> None:
    """Welcome somebody by mail."""
    async with using(session) as database:
        _, name, address = next(each for each in await database.users() if each[0] == user_id)
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Welcome", "shop@example.org", address
    message.set_content(f"Hello {name}, it is good to see you.\n")
    await asyncio.to_thread(mail.send, message)


class Report(kiq.Job, result_ttl=3600):
    """A report that somebody waits for; the page shows how far it is."""

    async def perform(self) -> dict[str, int]:
        async with using(session) as database:
            everybody = await database.users()
        for number, _user in enumerate(everybody, 1):
            self.progress(number, total=len(everybody), note="counting")
            await asyncio.sleep(0.05)
        return {"users": len(everybody)}


@kiq.periodic("30 2 * * *", timezone="Europe/Berlin")
class NightlyReport(kiq.Job):
    """Tells each night how many users there are."""

    async def perform(self) -> None:
        async with using(session) as database:
            print(f"nightly report: {len(await database.users())} users", flush=True)
