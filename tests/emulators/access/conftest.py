"""A deployment's access room against Firestore, Secret Manager and the simulator's Google."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from infra.local.demo.unmapped import documents
from infra.local.simulator.consent import Choice
from infra.local.simulator.faults import Fault, parse
from infra.local.simulator.grants import Client
from infra.local.simulator.oauth import Consents as ConsentPages
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan, Simulator
from shared.access import requests
from shared.access.consent import STARTS, Consents, Finished
from shared.access.disconnect import Disconnects
from shared.access.revocation import Revocations
from shared.errors import Forbidden
from shared.rate_limits.limiter import RateLimiter
from shared.settings import Settings
from shared.tokens.google_oauth import GoogleOAuth, OAuthClient
from shared.tokens.health import Tokens
from shared.tokens.refresh import LEASE, Refresher
from shared.vault.keyring import Keyring
from shared.vault.vault import Vault
from shared.youtube.data import Channel
from shared.youtube.items import item_of
from tests.emulators.wire import met
from tests.stands import packed

APP = "http://127.0.0.1:8000"
RETURN_TO = f"{APP}/channels"
CLIENT_ID, CLIENT_SECRET = "client-1.apps.googleusercontent.com", "GOCSPX-canary-client-secret"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Google: four accounts with three channels each."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # oauthlib's own switch for http on loopback
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=(f"{APP}/auth/youtube/callback",),
    )
    with serving(Plan(root="", users=4, channels_per_user=3, clients=(client,))) as running:
        yield running
        assert running.journal.mistakes == []


@pytest.fixture
def keyring(secrets_client: Any) -> Keyring:
    """A vault key of its own, with one version."""
    name = f"vault-{uuid.uuid4().hex[:12]}"
    secrets_client.create_secret(
        request={"parent": "projects/test", "secret_id": name, "secret": {"replication": {"automatic": {}}}}
    )
    keyring = Keyring(lambda: secrets_client, "test", name)
    keyring.add()
    return keyring


@dataclass
class Deployment:
    """Our side of the consent, with a browser's cookie jar in `cookie`."""

    simulator: Simulator
    client: Any
    vault: Vault
    keyring: Keyring
    settings: Settings
    google: GoogleOAuth
    cookie: str | None = None
    owners: Iterator[int] = field(default_factory=itertools.count)

    @property
    def consents(self) -> Consents:
        """A fresh instance of the consent way, as another process would have."""
        clock = self.simulator.clock
        return Consents(
            client=self.client,
            vault=self.vault,
            google=self.google,
            settings=self.settings,
            clock=clock,
            limiter=RateLimiter(self.client, (STARTS,), clock),
            learn=self.learn,
        )

    @property
    def revocations(self) -> Revocations:
        """What is still to be revoked."""
        return Revocations(self.client, self.vault, self.google, self.simulator.clock)

    def refresher(self, **changes: Any) -> Refresher:
        """A fresh instance that refreshes, as another process would have."""
        parts: dict[str, Any] = {
            "owner": f"instance-{next(self.owners)}",
            "rng": random.Random(2),
            "lease": LEASE,
        }
        return Refresher(self.client, self.vault, self.google, self.simulator.clock, **(parts | changes))

    def learn(self, tokens: Tokens, _user: str) -> Channel:
        """channels.list mine, by hand."""
        answer = urllib3.request(
            "GET",
            f"{self.simulator.root}/youtube/v3/channels?part=snippet,contentDetails&mine=true",
            headers={"Authorization": f"Bearer {tokens.access_token.reveal()}"},
        )
        body = answer.json()
        if "error" in body:
            reason = body["error"]["errors"][0]["reason"]
            raise Forbidden("YouTube refuses.", reason=reason)
        if not body.get("items"):
            raise Forbidden("No channel.", reason="youtubeSignupRequired")
        return item_of(Channel, body["items"][0])

    def account(self, number: int = 0) -> Any:
        """One of the world's Google accounts."""
        return list(self.simulator.world.accounts)[number]

    def start(self, user: str = "u1", features: str = "analytics,revenue,publish", **form: str) -> dict[str, str]:
        """Set out; answers the query that Google's page receives."""
        wanted = requests.start_request(user, {"features": features, **form}, self.settings)
        started = self.consents.start(wanted, self.cookie)
        self.cookie = started.binding.reveal()
        return {name: values[0] for name, values in parse_qs(urlsplit(started.authorization_url).query).items()}

    def decide(self, query: dict[str, str], choice: Choice) -> dict[str, list[str]]:
        """Let a person choose on Google's page; answers the query that Google sends back with the browser."""
        pages = self.simulator.room(ConsentPages)
        pages.prepared["*"] = choice
        answer = urllib3.request("GET", f"{self.simulator.root}/o/oauth2/v2/auth", fields=query, redirect=False)
        assert answer.status == 302, answer.data
        return parse_qs(urlsplit(answer.headers["location"]).query)

    def finish(self, back: dict[str, list[str]], cookie: str | None = "same") -> Finished:
        """Come back from Google, in the same browser unless told otherwise."""
        answer = requests.returned(back, self.cookie if cookie == "same" else cookie, self.settings)
        return self.consents.finish(answer)

    def connect(self, user: str = "u1", *, account: int = 0, channel: int = 0, **form: Any) -> Finished:
        """The whole way. untick: scopes; form: as `start`."""
        who = self.account(account)
        untick = frozenset(form.pop("untick", ()))
        choice = Choice(user=who.email, channel_id=who.channels[channel].id, untick=untick)
        return self.finish(self.decide(self.start(user, **form), choice))

    def connected(self, **form: Any) -> str:
        """The whole way; answers the channel."""
        finished = self.connect(**form)
        assert finished.reason == "connected", finished.reason
        assert finished.connected is not None
        return finished.connected.channel_id

    def stored(self, collection: str) -> dict[str, dict[str, Any]]:
        """Every document of a collection."""
        return {found.id: found.to_dict() for found in self.client.collection(collection).stream()}

    def expire(self, channel_id: str) -> None:
        """Let the stored access token end now."""
        self.client.document("grants", channel_id).update({"access_expires_at": self.simulator.clock()})

    def fault(self, **spec: Any) -> Fault:
        """Have the simulator fail."""
        fault = parse(spec)
        self.simulator.faults.add(fault)
        return fault

    def before_write(self, number: int, act: Callable[[Deployment], object]) -> None:
        """From now on somebody in another process acts right before our write of that number (1: the next)."""
        other = replace(self)
        self.client = met(self.client, lambda reached: reached == number and act(other))

    def token_requests(self) -> int:
        """How often the token endpoint was asked."""
        return sum(
            count for (method, _), count in self.simulator.journal.counts.items() if method == "oauth.token"
        )

    def everything(self) -> str:
        """Every Firestore document as text, bytes included."""
        return "\n".join(repr(fields) for _, fields in documents(self.client))


@pytest.fixture
def access(simulator: Simulator, firestore_client: Any, keyring: Keyring) -> Deployment:
    settings = Settings(
        project="test",
        app_url=APP,
        api_url=APP,
        id_token_issuer="https://app.example",
        id_token_audience="ytempire",
        id_token_keys_url=f"{simulator.root}/app/keys",
        return_to=(RETURN_TO,),
        oauth_auth_url=f"{simulator.root}/o/oauth2/v2/auth",
        oauth_token_url=f"{simulator.root}/token",
        oauth_revoke_url=f"{simulator.root}/revoke",
    )
    payload = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}).encode()
    google = GoogleOAuth(settings, lambda: OAuthClient.parse(payload), simulator.clock)
    vault = Vault(keyring, simulator.clock)
    return Deployment(simulator, firestore_client, vault, keyring, settings, google)


@pytest.fixture
def asked():
    """What was asked for: ("rows" | "revoke", receipt, channel)."""
    return []


@pytest.fixture
def disconnects(access, asked):
    def disconnects():
        return Disconnects(
            access.client,
            access.revocations,
            access.simulator.clock,
            erase_rows=lambda receipt, channel: asked.append(("rows", receipt, channel)),
            revoke_later=lambda receipt, channel: asked.append(("revoke", receipt, channel)),
            forget_shared=partial(packed.forgotten, access.client),
        )

    return disconnects
