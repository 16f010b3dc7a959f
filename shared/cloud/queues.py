"""Named tasks: asked for twice, queued once; deferred to the right moment; spread where many meet.

Cloud Tasks refuses a name that is queued or was used lately, so the name of a task is what it does ("collect
channel X for day Y", "step 3 of operation Z"), and ALREADY_EXISTS means: somebody asked before. Cloud Tasks keeps
a task for at most 30 days; `horizon` is the furthest moment that may be asked for, and a handler woken too early
enqueues the next hop.
Source: cloud.google.com/tasks/docs (names, limits, HTTP targets with OIDC tokens).
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import Clock, next_reset, system_clock
from shared.cloud import tasks
from shared.errors import InvalidRequest, Unavailable
from shared.settings import settings

HORIZON = timedelta(days=29)  # a day inside Cloud Tasks' 30, so that a skewed clock never meets the limit
RESET_GRACE = timedelta(seconds=30)  # Google's counters do not turn over at the very second
RESET_SPREAD = timedelta(minutes=30)
CALLER = "tasks"  # the service account whose identity the task carries
_DISPATCH_DEADLINE = timedelta(minutes=15)
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


def horizon(instant: datetime) -> datetime:
    """The furthest moment for which a task may be scheduled."""
    return instant + HORIZON


def after_reset(instant: datetime, *, dice: random.Random, spread: timedelta = RESET_SPREAD) -> datetime:
    """A moment shortly after the coming Pacific midnight, when the daily quotas are full again.

    Evenly spread over `spread`, so that a thousand deferrals do not arrive at once. Right on the days of 23 and
    25 hours, because the reset is an instant and not a number of hours away.
    """
    return next_reset(instant) + RESET_GRACE + spread * dice.random()


def enqueue(
    queue: str,
    name: str,
    function: str,
    payload: Mapping[str, Any],
    when: datetime | None = None,
    *,
    clock: Clock = system_clock,
    deadline: timedelta = _DISPATCH_DEADLINE,
) -> bool:
    """Have `function` called once with `payload` as JSON, now or at `when`; True when newly queued.

    False means that a task of this name is queued, or ran lately: asking twice queues once. A handler that wants
    to run again names its next task differently. deadline: how long Cloud Tasks waits for the answer.
    Raises InvalidRequest (field "when") beyond `horizon`, Unavailable when Cloud Tasks does not answer.
    """
    from google.api_core import exceptions as refusals  # noqa: PLC0415 - paid by those who enqueue

    furthest = horizon(clock())
    if when is not None and when > furthest:
        raise InvalidRequest(
            f"A task can wait until {furthest.astimezone(UTC):%Y-%m-%d}; this one asks for {when:%Y-%m-%d}.",
            reason="beyondHorizon",
            field="when",
        )
    try:
        tasks.client().create_task(
            parent=_queue_path(queue),
            task=_task(f"{_queue_path(queue)}/tasks/{task_id(name)}", function, payload, when, deadline),
            timeout=10,
            retry=_patience(),
        )
    except refusals.AlreadyExists:
        return False
    except (refusals.ServiceUnavailable, refusals.DeadlineExceeded, refusals.RetryError) as error:
        raise Unavailable("Cloud Tasks does not answer.", reason="tasksUnavailable") from error
    return True


def cancel(queue: str, name: str) -> bool:
    """Take a waiting task back; False when there is none (it ran, or never was)."""
    from google.api_core import exceptions as refusals  # noqa: PLC0415

    try:
        tasks.client().delete_task(name=f"{_queue_path(queue)}/tasks/{task_id(name)}", timeout=10)
    except refusals.NotFound:
        return False
    except (refusals.ServiceUnavailable, refusals.DeadlineExceeded) as error:
        raise Unavailable("Cloud Tasks does not answer.", reason="tasksUnavailable") from error
    return True


def _queue_path(queue: str) -> str:
    return f"projects/{settings().project}/locations/{settings().region}/queues/{queue}"


def _task(
    path: str,
    function: str,
    payload: Mapping[str, Any],
    when: datetime | None,
    deadline: timedelta,
) -> Any:
    from google.cloud import tasks_v2  # noqa: PLC0415

    url = settings().url_of(function)
    return tasks_v2.Task(
        name=path,
        http_request=tasks_v2.HttpRequest(
            http_method=tasks_v2.HttpMethod.POST,
            url=url,
            headers={"Content-Type": "application/json"},
            body=json.dumps(payload, separators=(",", ":"), sort_keys=True).encode(),
            oidc_token=tasks_v2.OidcToken(
                service_account_email=f"{CALLER}@{settings().project}.iam.gserviceaccount.com", audience=url
            ),
        ),
        schedule_time=when,
        dispatch_deadline=deadline,
    )


def _patience() -> Any:
    """A named task can be created again without harm, so a short outage is waited out."""
    from google.api_core import exceptions as refusals  # noqa: PLC0415
    from google.api_core.retry import Retry, if_exception_type  # noqa: PLC0415

    return Retry(predicate=if_exception_type(refusals.ServiceUnavailable), initial=0.1, maximum=1.0, timeout=5.0)
