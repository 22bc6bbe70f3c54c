"""Whole processes with a database: the example of Django, and sessions of SQLAlchemy."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site, WorkerProcess

pytestmark = pytest.mark.needs("django", "sqlalchemy")

EXAMPLE = ROOT / "examples" / "django"
MANAGE = (sys.executable, "manage.py")
SHOP = {"DJANGO_SETTINGS_MODULE": "shop.settings"}

SHOP_OF_ALCHEMY = """
import kiq, logging
import sqlalchemy as sa
from sqlalchemy.orm import scoped_session, sessionmaker
from kiq.contrib.sqlalchemy import Sessions
from tests.helpers.jobs import note

engine = sa.create_engine("sqlite:///shop.db", pool_pre_ping=True, pool_size=1, max_overflow=0,
                          connect_args={"timeout": 20})
with engine.begin() as connection:
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS orders (number INTEGER)"))
Scoped = scoped_session(sessionmaker(engine))
kiq.host.install(Sessions(Scoped))
kiq.after_commit.always(Scoped)


@kiq.job(name="place")
def place(number: int, fail: bool = False) -> None:
    Scoped.execute(sa.text(f"INSERT INTO orders VALUES ({number})"))
    ship.perform_async(number)
    if fail:
        raise kiq.Discard("no money")
    Scoped.commit()


@kiq.job(name="ship")
def ship(number: int) -> None:
    # The connection is left with the session: there is only one, and the next job needs it.
    found = Scoped.scalar(sa.text(f"SELECT count(*) FROM orders WHERE number = {number}"))
    note(f"shipped {number} of {found}")
"""


def manage(site: Site, *arguments: str) -> WorkerProcess:
    process = site.run(*arguments, command=MANAGE, **SHOP)
    process.wait(30)
    return process


def shipped(folder: Path) -> list[int]:
    with sqlite3.connect(folder / "shop.sqlite3", timeout=20) as connection:
        rows = connection.execute("SELECT id FROM orders_order WHERE shipped ORDER BY id")
        found = [row[0] for row in rows]
    connection.close()
    return found


def test_the_example_of_django_ships_what_is_committed(site: Site) -> None:
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True)
    assert "OK" in manage(site, "migrate").log
    assert "order 3: job " in manage(site, "place_order", "3").log
    assert "no money" in manage(site, "place_order", "2", "--fail").log
    assert site.count("queue:default") == 3
    worker = site.run("-r", "kiq.contrib.django.worker", "-c", "3", **SHOP).wait_until_ready()
    eventually(lambda: shipped(site.folder) == [1, 2, 3], 20, message=worker.log)
    assert "order 3 is shipped" in worker.says("order 3 is shipped", "class=orders.jobs.ShipOrder")
    assert worker.stop() == 0
    assert site.count("retry") == site.count("dead") == site.count("queue:default") == 0


def test_a_worker_of_a_project_with_wrong_settings_says_what_is_wrong(site: Site) -> None:
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True)
    nowhere = site.run("-r", "kiq.contrib.django.worker", DJANGO_SETTINGS_MODULE="no.such")
    assert nowhere.wait(30) == 70
    assert "No module named 'no'" in nowhere.log
    with (site.folder / "shop" / "settings.py").open("a") as settings:
        settings.write('KIQ = {"after_comit": True}\n')
    misspelt = site.run("-r", "kiq.contrib.django.worker", **SHOP)
    assert misspelt.wait(30) == 78
    assert "did you mean 'after_commit'?" in misspelt.log


def test_sessions_give_their_connection_back_and_pushes_of_jobs_wait_for_their_commit(
    site: Site,
) -> None:
    site.write("shop.py", SHOP_OF_ALCHEMY)
    for number in range(20):
        site.client.push({"class": "place", "args": [number, number % 2 == 1]})
    site.run("-r", "shop", "-c", "4").wait_until_ready()
    site.noted(*(f"shipped {number} of 1" for number in range(0, 20, 2)), timeout=30)
    eventually(lambda: site.count("queue:default") == 0)
    assert sorted(site.notes) == sorted(
        [f"shipped {number} of 1" for number in range(0, 20, 2)]
        + [note for note in site.notes if note.startswith("death")]
    )
    assert sum(note.startswith("death") for note in site.notes) == 10
    assert site.count("retry") == 0
