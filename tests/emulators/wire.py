"""Firestore's wire as it fails: a process that dies right after a write, a write whose answer gets lost, and
somebody else who writes right before us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.api_core.exceptions import ServiceUnavailable
from google.cloud import firestore


class Died(BaseException):
    """The process ended here: nothing that would handle an error runs."""


Act = Callable[[int], None]
"""What happens around a write; told its number, 1 for the first."""


class _Wire(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    def __init__(self, before: Act, after: Act) -> None:
        self._before, self._after = before, after
        self._asked = self._done = 0

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        if not details.method.endswith("/Commit"):
            return continuation(details, request)
        self._asked += 1
        self._before(self._asked)
        call = continuation(details, request)
        if call.exception() is None:
            self._done += 1
            self._after(self._done)
        return call


class _Wired(firestore.Client):
    wire: _Wire

    def _emulator_channel(self, transport: Any) -> Any:
        return grpc.intercept_channel(super()._emulator_channel(transport), self.wire)


def dying(client: firestore.Client, number: int) -> firestore.Client:
    """The same database, from a process that dies right after its write of that number was done."""
    return _over(client, after=_raising(Died(), number))


def losing(client: firestore.Client, number: int) -> firestore.Client:
    """The same database, with the answer to the write of that number lost on the way."""
    return _over(client, after=_raising(ServiceUnavailable("The connection broke."), number))


def failing(client: firestore.Client, number: int, failure: Exception, *, after: bool) -> firestore.Client:
    """The same database, whose write of that number ends with a failure, after it was done or before."""
    act = _raising(failure, number)
    return _over(client, after=act) if after else _over(client, before=act)


def met(client: firestore.Client, somebody: Act) -> firestore.Client:
    """The same database, in which somebody does something right before each of our writes arrives."""
    return _over(client, before=somebody)


def _raising(failure: BaseException, at: int) -> Act:
    def act(number: int) -> None:
        if number == at:
            raise failure

    return act


def _over(
    client: firestore.Client, *, before: Act = lambda _: None, after: Act = lambda _: None
) -> firestore.Client:
    wired = _Wired(project=client.project)
    wired.wire = _Wire(before, after)
    return wired
