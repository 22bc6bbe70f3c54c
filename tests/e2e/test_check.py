"""``kiq check``: what is wrong with a configuration, without starting anything."""

from __future__ import annotations

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
