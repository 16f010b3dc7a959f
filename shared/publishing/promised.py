"""What accepted operations will still spend, so that an answer before work counts what was promised to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.publishing import plan
from shared.publishing.operation import Operation, State
from shared.publishing.records import Operations
from shared.quota.quotes import Work

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
