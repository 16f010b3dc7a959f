"""Who publishes to a channel, and what accepted operations will still spend, which answers before work count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared import channels
from shared.channels import Capability
from shared.errors import Forbidden
from shared.publishing import plan
from shared.publishing.operation import Operation, State
from shared.publishing.records import Operations
from shared.quota.quotes import Work
from shared.youtube.policy import policy

if TYPE_CHECKING:
    from google.cloud.firestore import Client


def publisher(client: Client, channel_id: str, steps: Iterable[str]) -> str:
    """The user who connected a channel. Raises NotFound; Forbidden for a connection that cannot do the steps."""
    channel = channels.get(client, channel_id)
    if not channel.working:
        raise Forbidden(f"The channel's connection does not work: {channel.state_reason}", reason=channel.state)
    for needed in sorted({plan.feature(step) for step in steps}):
        if not channel.can(needed):
            raise _cannot(needed, channel.capabilities.get(needed))
    return channel.user_id


def _cannot(needed: str, capability: Capability | None) -> Forbidden:
    rule = policy().rules.get(capability.reason) if capability else None
    if rule is None:
        words = f"This channel was connected without the feature {needed!r}; connect it again and allow it."
        return Forbidden(words, reason=f"{needed}NotGranted")
    return Forbidden(f"{rule.says} When that is mended, connect the channel again.", reason=rule.reason)


MOST = 300
"""How many accepted operations an answer counts, those that changed last."""


def promised(operations: Operations, *, before: Operation | None = None) -> tuple[Work, ...]:
    """The work of operations that have not ended, in the order of asking; of those asked before one, if given."""
    found = operations.in_state(State.QUEUED, State.RUNNING, State.WAITING, limit=MOST)
    if before is not None:
        found = [each for each in found if _asked(each) < _asked(before)]
    return merged([work for each in sorted(found, key=_asked) if (work := remaining(each)) is not None])


def remaining(operation: Operation) -> Work | None:
    """What an operation will still spend; None for nothing. A session that was begun is paid for."""
    steps = operation.remaining
    if operation.upload.get("session"):
        steps = tuple(step for step in steps if step != plan.TRANSFER)
    if not steps:
        return None
    return Work(
        calls=plan.calls(steps),
        account=operation.user_id,
        priority=plan.priority(critical=operation.critical),
        not_before=operation.due_at,
    )


def merged(works: Sequence[Work]) -> tuple[Work, ...]:
    """The same works in the same order, equal ones that follow each other as one."""
    found: list[Work] = []
    for work in works:
        if found and replace(found[-1], times=work.times) == work:
            found[-1] = replace(work, times=found[-1].times + work.times)
        else:
            found.append(work)
    return tuple(found)


def _asked(operation: Operation) -> tuple[object, str]:
    return operation.created_at, operation.id
