"""Makes once what YouTube makes again whenever it is asked: a playlist, an entry, a caption track."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.errors import NotFound, YtempireError
from shared.publishing.attempt import Attempt, Postponed
from shared.publishing.find_existing import LISTED_WITHIN
from shared.youtube.faults import may_be_done


def once(attempt: Attempt, name: str, look: Callable[[datetime], str | None], make: Callable[[], str]) -> str:
    """Make what YouTube would make twice if it were asked twice; its id.

    The record says that the call is made before it is sent. Where its answer is not known, what it may have made
    is looked for twice, some time apart, because YouTube may not list at once what it has just made.
    """
    begun_at, missing_since = f"{name}_begun_at", f"{name}_missing_since"

    def note(**marks: datetime | None) -> None:
        attempt.save(results={**attempt.operation.results, **marks})

    now, marks = attempt.clock(), attempt.operation.results
    begun: datetime | None = marks.get(begun_at)
    if begun is not None:
        if found := look(begun):
            return found
        since = marks.get(missing_since) or now
        if now < since + LISTED_WITHIN:
            note(**{missing_since: since})
            message = "YouTube's answer was lost; what it may have made is looked for before it is asked again."
            raise Postponed(since + LISTED_WITHIN, "answerLost", message)
    note(**{begun_at: begun or now, missing_since: None})
    try:
        return make()
    except YtempireError as error:
        # What is said to be missing may be found, and used, all the same: YouTube denies what is new.
        if begun is None and not may_be_done(error) and not isinstance(error, NotFound):
            note(**{begun_at: None})
        raise


def begun(attempt: Attempt, name: str) -> bool:
    """Whether it may have been made already."""
    return attempt.operation.results.get(f"{name}_begun_at") is not None
