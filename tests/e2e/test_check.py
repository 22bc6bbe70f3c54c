"""``kiq check``: what is wrong with a configuration, without starting anything."""

from __future__ import annotations

import pytest

from tests.helpers.worker_process import Site


def test_a_good_file_is_shown_and_found_good(site: Site) -> None:
    site.write("config/kiq.yml", "queues: [[critical, 6], [default, 3]]\nconcurrency: 7\n")
    process = site.run("check")
    assert process.wait() == 0
    assert "config file: config/kiq.yml" in process.log
    assert "weighted order, queues critical,6 default,3 (config/kiq.yml:1)" in process.log
    assert process.lines[-1] == "ok"


def test_every_problem_is_listed_with_its_line_and_a_suggestion(site: Site) -> None:
    site.write(
        "other.yml",
        "concurency: 4\nqueues: [[a, 0], {x: 1}]\nrequire: !!python/name:os.system\n"
        "redis: {url: ftp://x}\n",
    )
    process = site.run("check", "-C", "other.yml")
    assert process.wait() == 78
    assert "other.yml:1: " in process.log
    assert "did you mean concurrency?" in process.log
    for line in (2, 3, 4):
        assert any(text.startswith(f"other.yml:{line}: ") for text in process.lines), line
    assert process.lines[-1].endswith(" problems")


def test_the_environment_that_is_named_is_the_one_that_is_shown(site: Site) -> None:
    site.write("config/kiq.yml", "concurrency: 7\nproduction: {concurrency: 25}\n")
    process = site.run("check", "-e", "production")
    assert process.wait() == 0
    assert "environment: production (--environment)" in process.log
    assert "25 threads" in process.log


def test_a_file_that_is_missing_is_a_problem(site: Site) -> None:
    process = site.run("check", "-C", "nowhere.yml")
    assert process.wait() == 78
    assert "nowhere.yml" in process.log


def test_no_redis_is_needed_and_no_password_shown(site: Site) -> None:
    process = site.run("check", REDIS_URL="redis://:sesame@192.0.2.1:1/0")
    assert process.wait() == 0
    assert "redis://:***@192.0.2.1:1/0" in process.log
    assert "sesame" not in process.log


def test_settings_of_which_no_connection_can_be_made_are_not_found_good(site: Site) -> None:
    process = site.run("check", REDIS_URL="redis://:sesame@localhost:1/0?nonsense=1")
    assert process.wait() == 78
    assert "nonsense" in process.log
    assert "sesame" not in process.log
    assert "ok" not in process.lines


def test_a_server_to_embed_that_is_not_there_is_not_found_good(site: Site) -> None:
    process = site.run("check", REDIS_URL="embedded", KIQ_REDIS_SERVER="/nowhere/redis-server")
    assert process.wait() == 69
    assert "'/nowhere/redis-server', which does not exist" in process.log
    assert "ok" not in process.lines


def test_problems_of_every_kind_are_told_at_once(site: Site) -> None:
    site.write("broken.py", "import missing_package\n")
    site.write(
        "wrong.py", "import kiq, redis.asyncio\n\nkiq.configure(redis=redis.asyncio.Redis())\n"
    )
    site.write("empty.py", "")
    site.write(
        "config/kiq.yml",
        "concurrency: <%= 5 %>\n"
        "tagg: x\n"
        "require: [jobz, broken, wrong, empty]\n"
        "plugins: [nobody_has_this, 'broken:Plugin']\n"
        "disable_plugins: [metrix]\n"
        "redis: {url: 'rediss://h', ssl_ca_certs: /nowhere/ca.pem}\n"
        "production: {lease: 1}\n",
    )
    process = site.run("check", "-e", "prod", REDIS_URL=None, KIQ_CODEC="yaml")
    assert process.wait() == 78
    for place, words in (
        ("config/kiq.yml:1: ", "ERB"),
        ("config/kiq.yml:2: ", "did you mean tag?"),
        ("can't import 'jobz'", "there is no module 'jobz'"),
        ("importing 'broken' failed", "missing_package"),
        (f"{site.folder}/wrong.py:3: kiq.configure(...): ", "HardWorker.aio"),
        ("plugins: ", "no plugin named 'nobody_has_this'"),
        ("plugin 'broken:Plugin' can't be loaded", "missing_package"),
        ("disable_plugins: ", "no standard plugin 'metrix'"),
        ("config/kiq.yml:6: ", "redis.ssl_ca_certs: /nowhere/ca.pem is not there"),
        ("config/kiq.yml:7: ", "lease must be"),
        ("KIQ_CODEC: ", "codec must be one of"),
        ("--environment: ", "no section for the environment prod"),
    ):
        assert any(each.startswith(place) and words in each for each in process.lines), place
    assert "Traceback" not in process.log
    assert process.lines[-1] == "12 problems"


def test_a_module_without_job_classes_is_a_problem_and_one_with_some_is_none(site: Site) -> None:
    site.write("empty.py", "")
    site.write(
        "jobs.py", "import kiq\n\nprint('imported')\n\n\n@kiq.job\ndef work() -> None: ...\n"
    )
    process = site.run("check", "-r", "empty")
    assert process.wait() == 78
    assert "there is no job class in what is imported: empty" in process.log
    process = site.run("check", "-r", "jobs", "-r", "empty")
    assert process.wait() == 0
    assert process.lines[-1] == "ok"


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        (["-e", "production"], {}, 0),
        (["-e", "prod"], {}, 78),
        ([], {"KIQ_ENV": "prod"}, 78),
        ([], {"APP_ENV": "prod"}, 78),
        ([], {}, 0),
        (["-C", "plain.yml", "-e", "prod"], {}, 78),
        (["-C", "plain.yml"], {"KIQ_ENV": "prod"}, 0),
    ],
)
def test_an_environment_that_is_named_must_have_a_section(
    site: Site, arguments: list[str], environment: dict[str, str], code: int
) -> None:
    site.write("config/kiq.yml", "production: {concurrency: 25}\n")
    site.write("plain.yml", "concurrency: 3\n")
    process = site.run("check", *arguments, **environment)
    assert process.wait() == code
    if code:
        assert "no section for the environment prod" in process.log
        assert "plain.yml" in arguments or "; there are: production" in process.log


def test_what_code_configures_is_shown(site: Site) -> None:
    site.write(
        "jobs.py",
        "import kiq, redis\n\nkiq.configure(redis=redis.Redis(host='own', db=2), codec='json')\n\n\n"
        "@kiq.job\ndef work() -> None: ...\n",
    )
    process = site.run("check", "-r", "jobs", KIQ_REDIS_DB="5")
    assert process.wait() == 0
    assert "redis: redis://own:6379/5 (kiq.configure(...); " in process.log
    assert ", database 5 (KIQ_REDIS_DB)" in process.log
    assert "codec: json (kiq.configure(...))" in process.log


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hun/ter2@192.0.2.1:6379/0",
        "redis://:hun#ter2@192.0.2.1:6379/0",
        "redis://:hun@ter2@192.0.2.1:6379/0",
        "redis://bob:12/ter2@192.0.2.1:6379/0",
    ],
)
@pytest.mark.parametrize("command", ["check", "run -r jobs", "stats", "push jobs.work"])
def test_a_password_that_is_not_encoded_is_one_line_without_it(
    site: Site, url: str, command: str
) -> None:
    site.write("jobs.py", "import kiq\n\n\n@kiq.job\ndef work() -> None: ...\n")
    process = site.run(*command.split(), REDIS_URL=url)
    assert process.wait() == 78
    assert "REDIS_URL: redis.url has a / ? # or @ where none may be" in process.lines[0]
    assert all(piece not in process.log for piece in ("hun", "ter2", "192.0.2.1", "Traceback"))
