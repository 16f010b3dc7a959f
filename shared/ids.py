"""The forms of the ids that requests and tokens name. Nothing else reaches a document's path or YouTube."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard


@dataclass(frozen=True)
class Id:
    """One kind of id. called: as a message for people names it. pattern: its form from end to end."""

    called: str
    pattern: re.Pattern[str]

    def matches(self, value: object) -> TypeGuard[str]:
        return isinstance(value, str) and self.pattern.fullmatch(value) is not None


CHANNEL = Id("a channel id", re.compile(r"UC[A-Za-z0-9_-]{22}"))
VIDEO = Id("a video id", re.compile(r"[A-Za-z0-9_-]{11}"))
PLAYLIST = Id("a playlist id", re.compile(r"[A-Za-z0-9_-]{2,64}"))
OPERATION = Id("an operation's id", re.compile(r"op-[0-9a-f]{24}"))
RECEIPT = Id("a receipt's id", re.compile(r"[0-9a-f]{24}"))
USER = Id("a user id", re.compile(r"[A-Za-z0-9][A-Za-z0-9._@|:~+=-]{0,127}"))
