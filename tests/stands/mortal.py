"""A process that dies in the middle of its work, between any two answers of BigQuery."""

from __future__ import annotations

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession


class Died(BaseException):
    """The process ended here: nothing that would handle an error runs."""


class Mortal(AuthorizedSession):
    """BigQuery's wire in a process that dies right after a request was answered. left: how many it lives for."""

    def __init__(self, lives: int) -> None:
        super().__init__(AnonymousCredentials())
        self.left = lives

    def request(self, *args: Any, **more: Any) -> Any:
        answer = super().request(*args, **more)
        self.left -= 1
        if self.left == 0:
            raise Died
        return answer
