"""Queues named tasks with Cloud Tasks, the one place that retries and defers: asked for twice, queued once.

Cloud Tasks refuses a name that is queued or was used lately, so the name of a task is what it does ("collect
channel X for day Y", "step 3 of operation Z"), and ALREADY_EXISTS means: somebody asked before. Cloud Tasks keeps
a task for at most 30 days; what is later than `latest` is queued for then, and its handler queues it again.
Source: cloud.google.com/tasks/docs (names, limits, HTTP targets with OIDC tokens).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.clock import Clock, system_clock
from shared.cloud.calls import call_options, grpc_client
from shared.errors import InvalidRequest, Unavailable
from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksClient


@cache
def client() -> CloudTasksClient:
    """This process's Cloud Tasks client (honours CLOUD_TASKS_EMULATOR_HOST)."""
    from google.cloud import tasks_v2

    found: CloudTasksClient = grpc_client(tasks_v2.CloudTasksClient, "CLOUD_TASKS_EMULATOR_HOST")
    return found


MAX_DELAY = timedelta(days=29)  # a day inside Cloud Tasks' 30, so that a skewed clock never meets the limit
CALLER = "task-queues"  # the service account whose identity the task carries
_DISPATCH_DEADLINE = timedelta(minutes=15)  # how long Cloud Tasks waits for the function's answer
_READABLE = 400  # of the 500 characters that a task id may have


def task_id(name: str) -> str:
    """A task id for a readable name: the same for the same name, in Cloud Tasks' alphabet, evenly spread.

    Ids that share a prefix make Cloud Tasks slow, so a hash stands in front; it also keeps names apart that
    differ only in characters that the alphabet lacks.
    """
    if not name:
        raise ValueError("a task without a name could be queued twice")
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:_READABLE]
    return f"{hashlib.sha256(name.encode()).hexdigest()[:16]}-{readable}"


def latest(now: datetime) -> datetime:
    """The latest moment for which a task may be scheduled."""
    return now + MAX_DELAY


def enqueue(
    queue: str,
    name: str,
    function: str,
    payload: Mapping[str, Any],
    when: datetime | None = None,
    *,
    clock: Clock = system_clock,
) -> bool:
    """Have `function` called once with `payload` as JSON, now or at `when`; True when newly queued.

    False means that a task of this name is queued, or ran lately: asking twice queues once. A handler that wants
    to run again names its next task differently.
    Raises InvalidRequest (field "when") beyond `latest`, Unavailable when Cloud Tasks does not answer.
    """
    from google.api_core import exceptions as refusals

    if when is not None and when > latest(clock()):
        words = f"A task can wait until {latest(clock()):%Y-%m-%d}; this one asks for {when:%Y-%m-%d}."
        raise InvalidRequest(words, reason="tooFarAhead", field="when")
    parent = f"projects/{settings().project}/locations/{settings().region}/queues/{queue}"
    try:
        client().create_task(
            parent=parent, task=_task(f"{parent}/tasks/{task_id(name)}", function, payload, when), **call_options()
        )
    except refusals.AlreadyExists:
        return False
    except (refusals.ServiceUnavailable, refusals.DeadlineExceeded, refusals.RetryError) as error:
        raise Unavailable("Cloud Tasks does not answer.", reason="tasksUnavailable") from error
    return True


def _task(path: str, function: str, payload: Mapping[str, Any], when: datetime | None) -> Any:
    from google.cloud import tasks_v2

    url, account = settings().url_of(function), f"{CALLER}@{settings().project}.iam.gserviceaccount.com"
    asked = tasks_v2.HttpRequest(
        http_method=tasks_v2.HttpMethod.POST,
        url=url,
        headers={"Content-Type": "application/json"},
        body=json.dumps(payload, separators=(",", ":"), sort_keys=True).encode(),
        oidc_token=tasks_v2.OidcToken(service_account_email=account, audience=url),
    )
    return tasks_v2.Task(name=path, http_request=asked, schedule_time=when, dispatch_deadline=_DISPATCH_DEADLINE)
