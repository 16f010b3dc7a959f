"""Carries the protocol's steps out on Firestore.

Every step is one call. Commits are atomic and carry their conditions as Firestore preconditions; there are no
transactions, which take locks and wait for each other where many meet.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.errors import Unavailable
from shared.quota.combining import Combined
from shared.quota.protocol import Contended
from shared.quota.refusals import CONTENDED
from shared.quota.steps import (
    ABSENT,
    Commit,
    Doc,
    Listing,
    Pause,
    Read,
    Result,
    Steps,
    Total,
    Write,
    Written,
)

if TYPE_CHECKING:
    from google.cloud.firestore import Client

TIMEOUT = 5.0
"""Seconds for one call, and for its repetitions in all: a ledger that does not answer must be noticed soon."""


@cache
def call_options() -> dict[str, Any]:
    """How long one call may take, and what is worth repeating at once."""
    from google.api_core import exceptions  # noqa: PLC0415
    from google.api_core.retry import Retry, if_exception_type  # noqa: PLC0415

    again = if_exception_type(exceptions.ServiceUnavailable, exceptions.InternalServerError)
    return {"retry": Retry(predicate=again, initial=0.1, maximum=1.0, timeout=TIMEOUT), "timeout": TIMEOUT}


class Books:
    """The ledger's documents in Firestore. dice and sleep space out those who collide."""

    def __init__(
        self, client: Client, *, dice: random.Random | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.client = client
        self._dice = dice or random.Random()  # noqa: S311 - spaces out retries
        self._sleep = sleep
        self._combined = Combined(self._send)

    def run(self, steps: Steps[Result]) -> Result:
        """Carry a protocol out to its result. Raises Unavailable when Firestore does not answer."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415

        answer: Any = None
        try:
            while True:
                answer = self._answer(steps.send(answer))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        except (GoogleAPICallError, RetryError) as error:
            raise Unavailable("The quota ledger does not answer.", reason="ledgerUnavailable") from error
        except Contended as error:
            raise Unavailable("Too many meet at one quota account.", reason=CONTENDED) from error

    def _answer(self, step: Any) -> Any:
        if isinstance(step, Commit):
            return self._combined.commit(step)
        if isinstance(step, Read):
            return self._read(step)
        if isinstance(step, Listing):
            return self._list(step)
        if isinstance(step, Total):
            return self._total(step)
        assert isinstance(step, Pause)
        # Grows from 5 to 160 ms, evenly spread: those who met once should not meet again.
        self._sleep(self._dice.uniform(0, 0.005 * 2 ** min(step.times, 5)))
        return None

    def _send(self, commits: Sequence[Commit]) -> list[tuple[Written, ...]] | None:
        from google.api_core import exceptions  # noqa: PLC0415

        batch = self.client.batch()
        for commit in commits:
            for write in commit.writes:
                self._add(batch, write)
        try:
            results = iter(batch.commit(**call_options()))
        except (
            exceptions.FailedPrecondition,
            exceptions.AlreadyExists,
            exceptions.NotFound,
            exceptions.Aborted,
        ):
            return None
        return [tuple(_written(write, next(results)) for write in commit.writes) for commit in commits]

    def _add(self, batch: Any, write: Write) -> None:
        from google.cloud.firestore import Increment  # noqa: PLC0415

        reference = self.client.document(write.path)
        values = {**write.fields, **{name: Increment(units) for name, units in write.add.items()}}
        if write.only_if is None:
            batch.set(reference, nested(values), merge=True)
        elif write.only_if == ABSENT:
            batch.create(reference, nested(values))
        else:
            option = self.client.write_option(last_update_time=write.only_if)
            if write.delete:
                batch.delete(reference, option=option)
            else:
                batch.update(reference, values, option=option)

    def _read(self, step: Read) -> dict[str, Doc | None]:
        references = [self.client.document(path) for path in step.paths]
        found: dict[str, Doc | None] = dict.fromkeys(step.paths)
        for snapshot in self.client.get_all(references, **call_options()):
            if snapshot.exists:
                found[snapshot.reference.path] = Doc(snapshot.to_dict() or {}, snapshot.update_time)
        return found

    def _list(self, step: Listing) -> dict[str, Doc]:
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415

        query: Any = self.client.collection(step.collection)
        if step.where:
            query = query.where(filter=FieldFilter(step.where[0], "==", step.where[1]))
        if step.above:
            query = query.where(filter=FieldFilter(step.above[0], ">", step.above[1]))
        if step.only:
            query = query.select(step.only)
        return {
            found.id: Doc(found.to_dict() or {}, found.update_time) for found in query.stream(**call_options())
        }

    def _total(self, step: Total) -> int:
        answer = self.client.collection(step.collection).sum(step.field).get(**call_options())
        return int(answer[0][0].value)


def _written(write: Write, result: Any) -> Written:
    # Firestore answers in the order of the field paths. The plain message is much faster to read than its wrapper.
    values = type(result).pb(result).transform_results
    names = sorted(write.add, key=lambda name: name.split("."))
    numbers = {name: value.integer_value for name, value in zip(names, values, strict=True)}
    return Written(version=result.update_time, numbers=numbers)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as maps within maps."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = name.split(".")
        place = nested
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return nested
