"""What exists in a rehearsed project, and the way of each request: judged, acted on, answered.

Every request is judged by the API's discovery document (path, parameters, body) before anything happens, and every
answer by its response schema. What each method does stands in `functions`, `services` and `surroundings`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.judges import apis
from infra.judges.apis import Call

Answer = tuple[int, Any]
Query = Mapping[str, Sequence[str]]


class Refusal(Exception):
    """Google would refuse this request."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = (code, {"error": {"code": code, "status": status, "message": message}})


def bad(message: str) -> Refusal:
    """400 INVALID_ARGUMENT."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def missing(name: str) -> Refusal:
    """404 NOT_FOUND."""
    return Refusal(404, "NOT_FOUND", f"Resource '{name}' was not found")


@dataclass
class Cloud:
    """One project. accounts: service accounts that exist. acts: what the methods do, by their ids.

    public_refused: the organisation refuses `allUsers`. changes_left: after so many changes every further one is
    refused, as for a deployment that dies there; None for no end. calls: requests by method id. changed: what was
    changed, in order. refusals: what was refused and is no ordinary "not found" or "exists", in words. broken:
    revisions whose source raises when it is imported: they answer nothing but 500.
    """

    accounts: frozenset[str]
    acts: Mapping[str, Act]
    public_refused: bool = False
    changes_left: int | None = None
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    upload_url: Callable[[str], str] = str
    called_url: Callable[[str], str] = str
    broken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, api: str, verb: str, path: str, query: Query, body: Any) -> Answer:
        """What Google would answer."""
        with self._lock:
            try:
                call, answer = self._answered(apis.find(api, verb, path), f"{api} {verb} {path}", query, body)
            except Refusal as refusal:
                if refusal.answer[0] not in {404, 409} or "UNIMPLEMENTED" in str(refusal.answer):
                    self.refusals.append(str(refusal))
                return refusal.answer
            except Exception as error:  # noqa: BLE001 - else gcloud asks a broken stand-in again for half a minute
                self.refusals.append(f"the stand-in failed at {verb} {path}: {error!r}")
                return bad(self.refusals[-1]).answer
            if problems := apis.answer_misfits(call, answer):
                self.refusals.append(f"the stand-in's answer to {call.id} is none of Google's: {problems}")
            return 200, answer

    def _answered(self, call: Call | None, asked: str, query: Query, body: Any) -> tuple[Call, Any]:
        if call is None:
            raise Refusal(404, "UNIMPLEMENTED", f"no API has the method of {asked}")
        self.calls[call.id] += 1
        if problems := apis.misfits(call, query, body):
            raise bad(f"{call.id}: {'; '.join(problems)}")
        act = self.acts.get(call.id)
        if act is None:  # no 5xx, which gcloud would repeat for half a minute
            raise Refusal(404, "UNIMPLEMENTED", f"the stand-in does not know {call.id}")
        return call, act(self, call, query, body or {})

    def upload(self, name: str, content: bytes) -> Answer:
        """A source archive arrives at an address that was given out."""
        with self._lock:
            if name not in self.archives:
                return missing(name).answer
            if not content.startswith(b"PK"):
                return bad("the archive is no zip").answer
            self.archives[name] = content
            return 200, {}

    def change(self, what: str) -> None:
        """Note a change, before it is made; refuse it when the deployment is to have died by now."""
        if self.changes_left == 0:
            raise Refusal(403, "PERMISSION_DENIED", "The caller does not have permission")
        if self.changes_left is not None:
            self.changes_left -= 1
        self.changed.append(what)


Act = Callable[[Cloud, Call, Query, Any], Any]
"""What a method does and answers: the project, the call with its path, its query and its body."""


def stored(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    """Answer the resource that the path names."""
    del query, body
    name = call.path["name"]
    if name not in cloud.resources:
        raise missing(name)
    return cloud.resources[name]
