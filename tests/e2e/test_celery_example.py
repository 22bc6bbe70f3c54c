"""examples/from_celery: what it does on kiq, and on Celery where there is one: ``make celery``."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.helpers.worker_process import ROOT, Site

pytestmark = pytest.mark.timeout(240)

EXAMPLE = ROOT / "examples" / "from_celery"
#: A Python that has Celery.
CELERY = os.environ.get("KIQ_TEST_CELERY", "")
QUEUES = ("default", "mail", "reports", "low")


@pytest.fixture
def example(site: Site) -> Site:
    """The example in the site's folder."""
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True)
    return site


@pytest.mark.needs("cronsim")
def test_the_shop_on_kiq(example: Site) -> None:
    example.folder = example.folder / "on_kiq"
    flags = [word for queue in QUEUES for word in ("-q", queue)]
    with example.run("-r", "shop", *flags) as worker:
        worker.wait_until_ready()
        same = example.run(command=(sys.executable, "../same.py"))
        assert same.wait(90) == 0, same.log + worker.log
        assert "all as it should be" in same.log


@pytest.mark.skipif(
    not CELERY, reason="KIQ_TEST_CELERY names no Python that has Celery: make celery"
)
def test_the_shop_on_celery(example: Site) -> None:
    example.folder = example.folder / "on_celery"
    flags = ("-A", "shop", "worker", "-Q", ",".join(QUEUES), "-c", "2", "-l", "info")
    # Of its results Celery asks no Redis behind a unix socket.
    url = f"redis://127.0.0.1:{example.server.port}/{example.database}"
    with example.run(command=(CELERY, "-m", "celery", *flags), REDIS_URL=url) as worker:
        worker.says("ready.")
        same = example.run(command=(CELERY, "../same.py"), REDIS_URL=url)
        assert same.wait(90) == 0, same.log + worker.log
        assert "all as it should be" in same.log
