"""Cloud Tasks: {"operation", "attempt"} runs one attempt. Cloud Scheduler: {"sweep": true} requeues lost ones,
and apart from that charges quota reservations whose holder died.

{"operation", "callback"} tells the app of an end; {"watched": moment} alarms unless the watch has run since;
{"notice", "event"} tells operators in their chat.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry, ids
from shared.fields import Fields
from shared.publishing.tasks import MAX_DELIVERIES
from shared.wiring import publishing, quota, watch

_ATTEMPTS_MAX = 1_000_000
_NOTICE = ("notice", "event")


@functions_framework.http
@entry.answers_json
def run_operation(request: Request) -> dict[str, Any]:
    """Answers the operation's state afterwards; any error has the task delivered again."""
    asked = Fields(entry.json_body(request), "operation", "attempt", "callback", "sweep", "watched", *_NOTICE)
    if asked.flag("sweep", default=False):
        return entry.each_done(
            {"charged": lambda: quota.ledger().sweep(), "queued": lambda: publishing.tasks().sweep()}
        )
    if asked.has("watched"):
        return {"alive": watch.check(asked.instant("watched"))}
    if asked.has("notice"):
        watch.post(asked.text("notice"), asked.line("event", most=100))
        return {"told": True}
    operation_id = asked.id("operation", ids.OPERATION)
    if asked.has("callback"):
        return {"callback": publishing.callbacks().deliver(operation_id, asked.line("callback", most=100))}
    number = asked.whole("attempt", most=_ATTEMPTS_MAX)
    retries = request.headers.get("X-CloudTasks-TaskRetryCount", "0")
    deliveries = int(retries) + 1 if retries.isdecimal() else 1
    after = publishing.runner().run(operation_id, number, last_delivery=deliveries >= MAX_DELIVERIES)
    return {"operation": after.id, "state": after.state.value, "reason": after.reason}
