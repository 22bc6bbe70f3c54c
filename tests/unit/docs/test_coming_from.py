"""The tables for those who come from elsewhere name all that these have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
#: What each had when it was looked at: options, methods, commands.
HAS = {
    "rq": """
        timeout result_ttl ttl failure_ttl description depends_on job_id at_front meta retry repeat
        on_success on_failure on_stopped rate_limit pipeline unique webhooks connection serializer
        is_async enqueue enqueue_at enqueue_call enqueue_in enqueue_many Callback Retry cancel_job
        get_current_job requeue_job Queue RateLimit SimpleWorker SpawnWorker Worker Repeat Webhook""",
    "dramatiq": """
        actor actor_class actor_name queue_name priority max_age on_failure on_success pipe_ignore
        pipe_target retry_when on_retry_exhausted throws min_backoff max_backoff max_retries
        notify_shutdown time_limit message message_with_options send send_with_options GenericActor
        group pipeline set_broker Middleware AsyncIO CurrentMessage GroupCallbacks SkipMessage Retry
        RateLimitExceeded set_encoder""",
    "huey": """
        task periodic_task retries retry_delay retry_backoff priority context name expires timeout
        results store_none immediate serializer compression use_zlib call_local map restore revoke s
        schedule then error is_revoked lock_task rate_limit pre_execute post_execute on_startup
        on_shutdown signal RetryTask CancelExecution crontab chord group reschedule flush pending
        scheduled""",
    "apscheduler": """
        func trigger args kwargs id name misfire_grace_time coalesce max_instances next_run_time
        jobstore executor replace_existing year month day week day_of_week hour minute second
        start_date end_date timezone jitter weeks days hours minutes seconds run_date add_executor
        add_job add_jobstore add_listener export_jobs get_job get_jobs import_jobs modify_job pause
        pause_job print_jobs remove_all_jobs remove_job reschedule_job resume resume_job
        scheduled_job shutdown start wakeup""",
}


@pytest.mark.parametrize("system", HAS)
def test_the_page_has_a_row_for_each(system: str) -> None:
    page = (DOCS / "coming-from" / f"{system}.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert set(HAS[system].split()) <= named


@pytest.mark.parametrize("system", HAS)
def test_links_lead_somewhere(system: str) -> None:
    page = DOCS / "coming-from" / f"{system}.md"
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
