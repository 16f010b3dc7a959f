"""The gateway itself: reads a request, asks who it is, forwards it, answers for a function that cannot."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread
import httpx
import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.deployment import Deployment, Function
from infra.local.gateway import headers as rules
from infra.local.gateway.iap import KEYS_PATH, OPERATOR, IdentityAwareProxy
from infra.local.gateway.routes import Destination, Door, route_table
from infra.local.identity import IdentityKey
from infra.local.process import LOOPBACK
from infra.observed import INVOKE
from shared.clock import Clock
from shared.cloud.identity import TokenVerifier, bearer
from shared.errors import Forbidden, InvalidRequest, NotFound, TooLarge, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.settings import Settings

MAX_BODY = 32 * 1024 * 1024  # Cloud Run's limit for a request over HTTP/1
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
GOOGLE = "https://accounts.google.com"


class DeadlineExceeded(Unavailable, code=504):
    """The function did not answer within its declared timeout."""


@dataclass(kw_only=True)
class Gateway:
    """One front end. ports: where each function's process listens. push_key: what proves Pub/Sub's emulator.

    patience: seconds for which a request waits for a process that takes it.
    observed: a folder in which it is noted who has called what, see `infra.observed`.
    """

    declared: Deployment
    settings: Settings
    ports: Mapping[str, int]
    identity: IdentityKey
    keys: jwt.PyJWKClient
    iap_audience: str
    push_key: str
    clock: Clock
    dice: random.Random = field(default_factory=random.SystemRandom)
    iap: IdentityAwareProxy = field(default_factory=IdentityAwareProxy)
    patience: float = 10
    observed: Path | None = None

    def __post_init__(self) -> None:
        self.routes = route_table(self.declared, self.ports)
        self.http: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def serving(self, _app: Starlette) -> AsyncIterator[None]:
        """Hold one client. No connection is kept: a function closes idle ones when it likes, and a request that
        meets the closing would be lost.
        """
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:  # noqa: S113 - per function
            client.headers.clear()
            self.http = client
            yield

    async def handle(self, request: Request) -> Response:
        """Answer one request; log its route alone: paths and queries carry tokens, codes and states."""
        began = time.monotonic()
        destination = self.routes.destination(request.url.path)
        try:
            if destination is None:
                raise NotFound("Nothing is published at this address.")
            response = await self._forward(request, destination)
        except YtempireError as error:
            response = JSONResponse(error.as_json(), status_code=error.code)
            if error.code == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
        log(
            "INFO",
            "request",
            method=request.method,
            route=destination.route if destination else None,
            function=destination.function.name if destination else None,
            status=response.status_code,
            milliseconds=round((time.monotonic() - began) * 1000),
        )
        return response

    async def _forward(self, request: Request, destination: Destination) -> Response:
        incoming = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        outgoing = await self._let_in(destination, request, incoming)
        body = await _body(request)
        client = request.client.host if request.client else LOOPBACK
        balancer = LOOPBACK if destination.door in {Door.PUBLIC, Door.IAP} else None
        outgoing += [
            ("x-forwarded-for", rules.forwarded_for(request.headers.get("x-forwarded-for"), client, balancer)),
            ("x-forwarded-proto", request.url.scheme),
            (
                "x-cloud-trace-context",
                rules.trace_context(request.headers.get("x-cloud-trace-context"), self.dice),
            ),
        ]
        url = httpx.URL(
            scheme="http",
            host=LOOPBACK,
            port=self.ports[destination.function.name],
            raw_path=_target(request, destination),
        )
        return await self._ask(destination.function, request.method, url, outgoing, body)

    async def _ask(
        self, function: Function, method: str, url: httpx.URL, headers: list[rules.Header], body: bytes
    ) -> Response:
        assert self.http is not None
        try:
            async with asyncio.timeout(function.timeout):
                # As bytes: a client's own header may hold what is not ASCII, and is passed on as it came.
                raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
                sent = self.http.build_request(method, url, headers=raw, content=body or None)
                answer = await self._sent(self.http, sent)
                try:
                    content = b"".join([part async for part in answer.aiter_raw()])
                finally:
                    await answer.aclose()
        except TimeoutError:
            raise DeadlineExceeded(f"{function.name} did not answer within {function.timeout} s.") from None
        except (
            httpx.LocalProtocolError
        ) as error:  # the server reads more than HTTP allows; Google's front does not
            raise InvalidRequest("The request is not HTTP.") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{function.name} does not answer: {type(error).__name__}.") from error
        response = Response(content, status_code=answer.status_code)
        kept = rules.answered((k.decode("latin-1"), v.decode("latin-1")) for k, v in answer.headers.raw)
        length = [(k, v) for k, v in response.headers.items() if k == "content-length"]
        response.raw_headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in [*kept, *length]]
        return response

    async def _sent(self, http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """Send once a process takes it, as Cloud Run keeps a request while an instance starts.

        Else Pub/Sub's emulator, which waits for nothing, would spend a message's five deliveries within a second.
        """
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return await http.send(request, stream=True)
            except httpx.ConnectError:
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(0.1)

    async def _let_in(
        self, destination: Destination, request: Request, incoming: list[rules.Header]
    ) -> list[rules.Header]:
        """The headers to pass on. Raises NotSignedIn, Forbidden or InvalidRequest for who may not pass."""
        outgoing = rules.passed_on(incoming)
        if rules.claims_to_be_iap(incoming):
            raise InvalidRequest("Only Identity-Aware Proxy may set these headers.", field=rules.IAP_ASSERTION)
        if rules.count(incoming, "host") > 1:
            raise InvalidRequest("A request has one Host.", field="host")
        if destination.door is Door.PUBLIC:
            return outgoing
        if destination.door is Door.IAP:
            return outgoing + self._operator()
        authorization = request.headers.get("authorization")
        if destination.door is Door.PUSH:
            authorization = self._as_pubsub(destination, request)
        # The first check of a while reads the key set over HTTP, and blocks.
        await anyio.to_thread.run_sync(self._check, destination.function, authorization)
        return rules.with_header(outgoing, "authorization", rules.without_signature(authorization or ""))

    def _check(self, function: Function, authorization: str | None) -> None:
        """The IAM question for one private function: a Google-signed token of an allowed service account.

        Raises NotSignedIn (401) without a valid token, Forbidden (403) for an account that is not allowed.
        """
        verifier = TokenVerifier(frozenset({GOOGLE}), self.settings.url_of(function.name), self.keys)
        claims = verifier.claims(bearer(authorization), clock=self.clock)
        allowed = {self.declared.address(account, self.settings.project) for account in function.callers}
        if not claims.get("email_verified") or claims.get("email") not in allowed:
            raise Forbidden("This account may not call this function.", reason="callerNotAllowed")
        if self.observed is not None:
            with (self.observed / claims["email"].partition("@")[0]).open("a") as noted:
                noted.write(f"{INVOKE}:{function.name}\n")

    def _as_pubsub(self, destination: Destination, request: Request) -> str:
        if not hmac.compare_digest(request.query_params.get("key", ""), self.push_key):
            raise Forbidden("Only the Pub/Sub emulator delivers here.", reason="callerNotAllowed")
        token = self.identity.token(
            email=self.declared.address("pubsub-push", self.settings.project),
            audience=self.settings.url_of(destination.function.name),
            now=self.clock(),
        )
        return f"Bearer {token}"

    def _operator(self) -> list[rules.Header]:
        token = self.iap.assertion(audience=self.iap_audience, now=self.clock())
        return [
            (rules.IAP_ASSERTION, token),
            ("x-goog-authenticated-user-email", f"accounts.google.com:{OPERATOR}"),
        ]

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route(KEYS_PATH, self._iap_keys, methods=["GET"]),
            Route("/{path:path}", self.handle, methods=METHODS),
        ]
        return Starlette(routes=routes, lifespan=self.serving)

    async def _iap_keys(self, _request: Request) -> Response:
        return JSONResponse(self.iap.jwks())


def _target(request: Request, destination: Destination) -> bytes:
    """Path and query as the function sees them, escaped as the client escaped them."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    if destination.door is Door.PRIVATE:
        raw = raw.removeprefix(b"/functions/" + destination.function.name.encode()) or b"/"
    elif destination.door is Door.PUSH:
        return b"/"
    query: bytes = request.scope["query_string"]
    return raw + b"?" + query if query else raw


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY:
            raise TooLarge("A request may carry at most 32 MiB.")
    return bytes(content)
