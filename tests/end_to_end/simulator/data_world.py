"""What these tests share: a simulator that listens, tokens of its people, Google's own client pointed at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from infra.judges.schemas import document
from infra.local.simulator.grants import Client, Grant
from infra.local.simulator.state import Plan, Simulator
from infra.local.simulator.world import Account, Channel
from tests.end_to_end.simulator import plain

YOUTUBE = "https://www.googleapis.com/auth/youtube"
READONLY = "https://www.googleapis.com/auth/youtube.readonly"
CLIENT = Client(client_id="tests", client_secret="not used", redirect_uris=("http://127.0.0.1/callback",))
PLAN = Plan(root="", users=3, channels_per_user=2, clients=(CLIENT,))


@dataclass(frozen=True)
class Stage:
    """A running simulator and the ways into it."""

    simulator: Simulator

    @property
    def root(self) -> str:
        return self.simulator.root

    def channel(self, number: int = 0) -> Channel:
        """A healthy channel; even and odd numbers belong to the same person."""
        return [one for one in self.simulator.world.channels() if one.state == "ok"][number]

    def token(self, channel_id: str | None, *, scope: str = YOUTUBE, account: Account | None = None) -> str:
        """An access token as a consent would have given it."""
        grants = self.simulator.grants
        owner = account or self.simulator.world.owner(channel_id or "")
        assert owner is not None
        grant = Grant(client_id=CLIENT.client_id, account=owner, channel_id=channel_id, scopes=frozenset({scope}))
        where = CLIENT.redirect_uris[0]
        code = grants.issue_code(
            grant, redirect_uri=where, challenge=None, plain=False, offline=True, nonce=None, lifetime=None
        )
        return grants.exchange(code, client=CLIENT, redirect_uri=where, verifier=None).access_token

    def youtube(self, channel_id: str | None, **more: Any) -> Any:
        """Google's client for a channel's owner, unmodified but for the endpoint."""
        return build_from_document(_document(self.root), credentials=Credentials(self.token(channel_id, **more)))

    def http(self, channel_id: str | None, **more: Any) -> httpx.Client:
        """A plain HTTP client that carries the owner's token."""
        headers = {"Authorization": f"Bearer {self.token(channel_id, **more)}"}
        return plain.client(self.root, headers=headers)

    def control(self, path: str, body: Any = None) -> Any:
        """GET without a body, POST with one; the JSON answer."""
        address = f"{self.root}/control/{path}"
        answer = plain.http().get(address) if body is None else plain.http().post(address, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pass_time(self, seconds: float) -> None:
        self.control("clock", {"advance_seconds": seconds})


@cache
def _document(root: str) -> str:
    moved = {**document("youtube.v3"), "rootUrl": f"{root}/", "baseUrl": f"{root}/"}
    moved.pop("mtlsRootUrl", None)
    return json.dumps(moved)


def reason(error: Any) -> str:
    """The word by which Google's client names a refusal."""
    return str(json.loads(error.content)["error"]["errors"][0]["reason"])
