"""An application's own logging set-up wins where it speaks, and never silences kiq."""

from __future__ import annotations

import pytest

from tests.helpers.worker_process import JOBS, Site, WorkerProcess

#: What dictConfig switches off is what was there before, and is not named.
SILENCING = {
    "dictConfig": "logging.config.dictConfig({'version': 1})",
    "dictConfig with a root": (
        "logging.config.dictConfig({'version': 1, 'root': {'handlers': ['app'], 'level': 'INFO'},"
        " 'handlers': {'app': {'class': 'logging.StreamHandler', 'formatter': 'app'}},"
        " 'formatters': {'app': {'format': 'APP %(message)s'}}})"
    ),
    "fileConfig": (
        "logging.config.fileConfig(io.StringIO('''[loggers]\\nkeys=root\\n[handlers]\\nkeys=app\\n"
        "[formatters]\\nkeys=app\\n[logger_root]\\nlevel=INFO\\nhandlers=app\\n[handler_app]\\n"
        "class=StreamHandler\\nformatter=app\\nargs=(sys.stderr,)\\n[formatter_app]\\n"
        "format=APP %(message)s\\n'''))"
    ),
    "Django": (
        "import django; from django.conf import settings\n"
        "settings.configure(LOGGING={'version': 1, 'root': {'handlers': ['app'], 'level': 'INFO'},"
        " 'handlers': {'app': {'class': 'logging.StreamHandler', 'formatter': 'app'}},"
        " 'formatters': {'app': {'format': 'APP %(message)s'}}})\n"
        "django.setup()"
    ),
    "by hand": "[setattr(each, 'disabled', True) for each in logging.root.manager.loggerDict.values()]",
}
#: When an application may set up its logging: as it is imported, when the worker starts, in a job.
MOMENTS = {
    "import": "{code}",
    "startup": "@kiq.host.on('startup')\ndef configure():\n    {code}",
}


def application(code: str, moment: str = "import") -> str:
    lines = MOMENTS[moment].format(
        code=code.replace("\n", "\n    " if moment != "import" else "\n")
    )
    return f"import io, logging, logging.config, sys\nimport kiq\nfrom {JOBS} import *\n{lines}\n"


def worker_with(site: Site, code: str, **variables: str) -> WorkerProcess:
    site.write("logs.py", code)
    return site.run("-r", "logs", **variables).wait_until_ready()


def once(worker: WorkerProcess, *words: str) -> str:
    """The one line with all of *words*."""
    line = worker.says(*words)
    assert len([each for each in worker.lines if all(word in each for word in words)]) == 1
    return line


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", SILENCING)
def test_what_switches_off_other_loggers_leaves_kiqs_alone(
    site: Site, how: str, moment: str
) -> None:
    worker = worker_with(site, application(SILENCING[how], moment))
    jid = site.push("Fails", "loud", 9)
    once(worker, jid, "INFO: start")
    once(worker, jid, "INFO: fail")
    once(worker, "ERROR: ValueError: out of luck: loud", jid)
    assert worker.stop() == 0
    once(worker, "INFO: stopping: running jobs have")
    once(worker, "INFO: bye")


def test_a_job_that_configures_logging_silences_nobody(site: Site) -> None:
    code = application(
        "@kiq.job(name='Configures')\ndef configures():\n    " + SILENCING["dictConfig"]
    )
    worker = worker_with(site, code)
    first = str(site.client.push({"class": "Configures", "args": []}))
    once(worker, first, "INFO: done")
    once(worker, str(site.push("Note", "x")), "INFO: done")


@pytest.mark.parametrize("moment", MOMENTS)
def test_basic_config_takes_effect(site: Site, moment: str) -> None:
    basic = "logging.basicConfig(level=logging.INFO, format='APP %(levelname)s %(message)s')"
    worker = worker_with(site, application(basic, moment))
    jid = site.push("Talks", "x")
    once(worker, jid, "INFO: done")
    assert once(worker, "said by the application") == "APP INFO said by the application"
    assert f"jid={jid}" in once(worker, "said by the job")  # by self.logger, which is kiq's


def test_the_level_of_basic_config_holds(site: Site) -> None:
    worker = worker_with(site, application("logging.basicConfig(level=logging.WARNING)"))
    jid = site.push("Talks", "x")
    once(worker, jid, "INFO: done")
    assert "said by the application" not in worker.log


def test_without_a_word_of_the_application_its_lines_look_like_kiqs(site: Site) -> None:
    # Python's own makeshift, which logging.info makes when there is no handler, is nobody's word.
    worker = worker_with(site, application("logging.info('said at import')"))
    jid = site.push("Talks", "x")
    for words in ("said by the job", "said by the application"):
        assert f"jid={jid}" in once(worker, words)
    once(worker, "said at import")


def test_lines_of_the_import_are_seen(site: Site) -> None:
    worker = worker_with(site, application("logging.getLogger('app').info('said at import')"))
    assert "INFO: said at import" in once(worker, "said at import")


KIQ = {
    "with a handler": "'kiq': {'handlers': ['app'], 'level': 'INFO'}",
    "with a handler and propagation": "'kiq': {'handlers': ['app'], 'propagate': True}",
    "with a level": "'kiq': {'level': 'INFO'}",
}


@pytest.mark.parametrize("kiq", KIQ)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_configuration_that_names_kiq_says_where_its_lines_go(
    site: Site, kiq: str, moment: str
) -> None:
    root = "" if "propagation" in kiq else "'root': {'handlers': ['app'], 'level': 'INFO'},"
    code = (
        f"logging.config.dictConfig({{'version': 1, {root}"
        " 'handlers': {'app': {'class': 'logging.StreamHandler', 'formatter': 'app'}},"
        " 'formatters': {'app': {'format': 'APP %(name)s %(message)s'}},"
        f" 'loggers': {{{KIQ[kiq]}}}}})"
    )
    worker = worker_with(site, application(code, moment))
    site.push("Fails", "loud", 9)
    assert once(worker, "out of luck: loud (attempt 1 of 26, again in ").startswith(
        "APP kiq.errors"
    )
    assert worker.stop() == 0
    assert once(worker, "bye") == "APP kiq bye"


def test_a_level_makes_kiq_quieter(site: Site) -> None:
    site.write("logs.py", application("logging.getLogger('kiq').setLevel('ERROR')"))
    worker = site.run("-r", "logs")
    site.push("Fails", "loud", 9)
    worker.says("ERROR: ValueError: out of luck: loud")
    assert worker.stop() == 0
    assert "INFO: start" not in worker.log
    assert "bye" not in worker.log


def test_a_console_handler_on_kiqs_logger_says_each_line_once(site: Site) -> None:
    code = (
        "handler = logging.StreamHandler(sys.stdout)\n"
        "handler.setFormatter(logging.Formatter('APP %(message)s'))\n"
        "logging.getLogger('kiq').addHandler(handler)"
    )
    worker = worker_with(site, application(code))
    assert worker.stop() == 0
    assert once(worker, "bye") == "APP bye"


def test_a_file_besides_takes_nothing_from_the_console(site: Site) -> None:
    code = "logging.getLogger('kiq').addHandler(logging.FileHandler('kiq.log'))"
    worker = worker_with(site, application(code))
    assert worker.stop() == 0
    once(worker, "INFO: bye")
    assert site.folder.joinpath("kiq.log").read_text().splitlines()[-1] == "bye"


def test_settings_that_the_application_makes_do_not_undo_its_logging(site: Site) -> None:
    code = application(
        "logging.basicConfig(level=logging.INFO, format='APP %(message)s')\n"
        "kiq.configure(codec='json')"
    )
    worker = worker_with(site, code)
    jid = site.push("Talks", "x")
    once(worker, jid, "INFO: done")
    assert "APP said by the application" in worker.lines
