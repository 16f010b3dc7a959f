"""Cloud Tasks' protocol messages to what a queue knows, and back; refuses what the service refuses.

Source: the reference of google.cloud.tasks.v2 (Task, HttpRequest, Queue, RateLimits, RetryConfig) and the quotas
page (task size 1 MiB, schedule 30 days ahead).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from google.cloud import tasks_v2

from infra.local.cloud_emulator import moments
from infra.local.cloud_emulator.refusal import invalid, unimplemented
from infra.local.cloud_emulator.retry import UNLIMITED, RetryPolicy
from infra.local.cloud_emulator.taskqueue import Answer, Attempt, Call, QueuedTask, TaskQueue

FARTHEST = 30 * 86400.0  # how far ahead a task can be scheduled
_LARGEST_TASK = 1024 * 1024
_LARGEST_HEADERS = 80 * 1024
_LONGEST_URL = 2083
_DEADLINES = (15.0, 1800.0)
_DEFAULT_DEADLINE = 600.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_RESERVED = re.compile(r"host|content-length|user-agent|x-google-.*|x-appengine-.*|x-cloudtasks-.*", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_URL = re.compile(r"https?://[^/?#\s]+[^\s]*")
_URL_SAFE = "%/:=&?~#+!$,;'@()*[]"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HIGHEST_RATE, _MOST_CONCURRENT = 500.0, 5000
_DEFAULT_RATE, _DEFAULT_CONCURRENT = 500.0, 1000

_TASK = tasks_v2.Task.pb()
_QUEUE = tasks_v2.Queue.pb()
_ATTEMPT = tasks_v2.Attempt.pb()

# google.rpc.Code of an HTTP status, as google/rpc/code.proto pairs them.
_RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}
_UNKNOWN, _DEADLINE_EXCEEDED, _UNAVAILABLE = 2, 4, 14


def read_task(message: Any, *, name: str, now: float) -> QueuedTask:
    """The task of a CreateTask request. Refuses with INVALID_ARGUMENT what the service would."""
    if message.ByteSize() > _LARGEST_TASK:
        raise invalid(f"Task size too large: {message.ByteSize()} bytes; the limit is {_LARGEST_TASK}.")
    if message.WhichOneof("message_type") == "app_engine_http_request":
        raise unimplemented("App Engine tasks are not emulated; use http_request.")
    if not message.HasField("http_request"):
        raise invalid("Task.http_request is required.")
    return QueuedTask(
        name=name,
        call=_read_call(message.http_request),
        created_at=now,
        schedule_at=_read_schedule(message, now),
        deadline=_read_deadline(message),
        retry=read_retry(message.retry_config) if message.HasField("retry_config") else None,
    )


def _read_schedule(message: Any, now: float) -> float:
    if not message.HasField("schedule_time"):
        return now
    at = moments.instant(message.schedule_time)
    if at > now + FARTHEST:
        raise invalid(
            f"The Task.scheduleTime, {message.schedule_time.ToJsonString()}, is too far in the future. "
            "Schedule time must be no more than 720h in the future."
        )
    return max(at, now)


def _read_deadline(message: Any) -> float:
    if not message.HasField("dispatch_deadline"):
        return _DEFAULT_DEADLINE
    deadline = moments.span(message.dispatch_deadline)
    if not _DEADLINES[0] <= deadline <= _DEADLINES[1]:
        raise invalid("Task.dispatchDeadline must be between [15s, 30m].")
    return int(deadline * 1000) / 1000


def _read_call(request: Any) -> Call:
    number = request.http_method or tasks_v2.HttpMethod.POST
    try:
        method = tasks_v2.HttpMethod(number).name
    except ValueError:
        raise invalid("HttpRequest.http_method is not a method that tasks can use.") from None
    if request.body and method not in _WITH_BODY:
        raise invalid("HTTP Body must be set only if the HTTP method is POST, PUT or PATCH.")
    return Call(
        url=_read_url(request.url),
        method=method,
        headers=_read_headers(request.headers),
        body=request.body,
        identity=_read_identity(request),
    )


def _read_url(url: str) -> str:
    """The URL with what needs it percent-encoded, as the service does."""
    encoded = quote(url, safe=_URL_SAFE)
    try:
        port_fits = urlsplit(encoded).port != 0
    except ValueError:
        port_fits = False
    if not _URL.fullmatch(encoded) or not port_fits or len(encoded) > _LONGEST_URL:
        raise invalid(
            'HttpRequest.url must be a URL that starts with "http://" or "https://" '
            f"and has at most {_LONGEST_URL} characters."
        )
    return encoded


def _read_headers(headers: Any) -> tuple[tuple[str, str], ...]:
    if sum(len(key.encode()) + len(value.encode()) for key, value in headers.items()) >= _LARGEST_HEADERS:
        raise invalid("HttpRequest.headers must be less than 80KB.")
    for key, value in headers.items():
        if not _HEADER_NAME.fullmatch(key) or not _HEADER_VALUE.fullmatch(value):
            raise invalid("HttpRequest.headers has a name or a value that HTTP does not allow.")
    return tuple((key, value.strip()) for key, value in sorted(headers.items()) if not _RESERVED.fullmatch(key))


def _read_identity(request: Any) -> tuple[str, str] | None:
    kind = request.WhichOneof("authorization_header")
    if kind is None:
        return None
    if kind == "oauth_token":
        raise unimplemented("OAuth tokens are for Google's own APIs and are not emulated; use oidc_token.")
    token = request.oidc_token
    if not _ADDRESS.fullmatch(token.service_account_email):
        raise invalid("OidcToken.service_account_email must be a service account's address.")
    return token.service_account_email, token.audience or request.url


def read_retry(message: Any) -> RetryPolicy:
    """A RetryConfig with the service's defaults where it says nothing.

    Fractions of a second are kept although the reference says that they are cut off: the default minimum itself
    is 0.1 s.
    """
    fresh = RetryPolicy()
    policy = RetryPolicy(
        max_attempts=message.max_attempts or fresh.max_attempts,
        max_retry_duration=int(moments.span(message.max_retry_duration)),
        min_backoff=_span(message, "min_backoff", fresh.min_backoff),
        max_backoff=_span(message, "max_backoff", fresh.max_backoff),
        max_doublings=message.max_doublings or fresh.max_doublings,
    )
    if policy.max_attempts < UNLIMITED:
        raise invalid("RetryConfig.max_attempts must be -1 (unlimited) or more.")
    if policy.max_doublings < 0 or policy.max_retry_duration < 0 or policy.min_backoff < 0:
        raise invalid("RetryConfig has a negative value.")
    if policy.min_backoff > policy.max_backoff:
        raise invalid("RetryConfig.min_backoff must not be greater than max_backoff.")
    return policy


def _span(message: Any, field: str, default: float) -> float:
    return moments.span(getattr(message, field)) if message.HasField(field) else default


def read_rates(message: Any) -> tuple[float, int]:
    """Dispatches per second and concurrent dispatches of a RateLimits, with the service's defaults."""
    rate = message.max_dispatches_per_second or _DEFAULT_RATE
    concurrent = message.max_concurrent_dispatches or _DEFAULT_CONCURRENT
    if not 0 < rate <= _HIGHEST_RATE:
        raise invalid("RateLimits.max_dispatches_per_second must be greater than 0 and at most 500.")
    if not 0 < concurrent <= _MOST_CONCURRENT:
        raise invalid("RateLimits.max_concurrent_dispatches must be greater than 0 and at most 5000.")
    return rate, concurrent


def write_retry(message: Any, policy: RetryPolicy) -> None:
    """Fill a RetryConfig message."""
    message.max_attempts = policy.max_attempts
    message.max_doublings = policy.max_doublings
    message.min_backoff.CopyFrom(moments.duration(policy.min_backoff))
    message.max_backoff.CopyFrom(moments.duration(policy.max_backoff))
    if policy.max_retry_duration:
        message.max_retry_duration.CopyFrom(moments.duration(policy.max_retry_duration))


def write_queue(queue: TaskQueue) -> Any:
    """A queue as a Queue message."""
    state = tasks_v2.Queue.State
    message = _QUEUE(name=queue.name, state=state.PAUSED if queue.paused else state.RUNNING)
    message.rate_limits.max_dispatches_per_second = queue.rate
    message.rate_limits.max_concurrent_dispatches = queue.max_concurrent
    message.rate_limits.max_burst_size = queue.burst
    write_retry(message.retry_config, queue.retry)
    if queue.purged_at is not None:
        message.purge_time.CopyFrom(moments.timestamp(queue.purged_at))
    return message


def write_task(task: QueuedTask, view: int) -> Any:
    """A task as a Task message; the body only in the FULL view."""
    full = view == tasks_v2.Task.View.FULL
    message = _TASK(
        name=task.name,
        schedule_time=moments.timestamp(task.schedule_at),
        create_time=moments.timestamp(int(task.created_at)),
        dispatch_deadline=moments.duration(task.deadline),
        dispatch_count=task.dispatches,
        response_count=task.responses,
        view=tasks_v2.Task.View.FULL if full else tasks_v2.Task.View.BASIC,
    )
    request = message.http_request
    request.url = task.call.url
    request.http_method = getattr(tasks_v2.HttpMethod, task.call.method)
    request.headers.update({**dict(task.call.headers), "User-Agent": "Google-Cloud-Tasks"})
    if full:
        request.body = task.call.body
    if task.call.identity:
        request.oidc_token.service_account_email, request.oidc_token.audience = task.call.identity
    if task.retry is not None:
        write_retry(message.retry_config, task.retry)
    if task.first_dispatch_at is not None:
        message.first_attempt.dispatch_time.CopyFrom(moments.timestamp(task.first_dispatch_at))
    if task.last is not None:
        message.last_attempt.CopyFrom(_write_attempt(task.last))
    return message


def _write_attempt(attempt: Attempt) -> Any:
    message = _ATTEMPT(
        schedule_time=moments.timestamp(attempt.scheduled_at),
        dispatch_time=moments.timestamp(attempt.dispatched_at),
    )
    if attempt.answered_at is None or attempt.answer is None:
        return message
    message.response_time.CopyFrom(moments.timestamp(attempt.answered_at))
    message.response_status.code = rpc_code(attempt.answer)
    message.response_status.message = attempt.answer.reason
    return message


def rpc_code(answer: Answer) -> int:
    """The google.rpc.Code that says what an attempt came to."""
    if answer.status is None:
        return _DEADLINE_EXCEEDED if answer.late else _UNAVAILABLE
    return 0 if answer.success else _RPC_CODES.get(answer.status, _UNKNOWN)
