"""One request to one of the three APIs, from the wire to a handler and back.

The order is Google's: find the method, check the token, its scopes, then parameters and body against the
discovery document, then quota, then the method itself. Injected faults come first of all, or spoil the answer
last of all.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from infra.local.simulator import admission, discovery, injection, media, quota
from infra.local.simulator.discovery import Match, Method
from infra.local.simulator.errors import GoogleError, Misuse, Shape, bad_request, not_simulated
from infra.local.simulator.journal import Entry
from infra.local.simulator.wire import Mask, WrongMask, finish, json_response, mask_of, masked, not_found_page
from shared.clock import format_instant

if TYPE_CHECKING:
    from infra.local.simulator.grants import Grant
    from infra.local.simulator.state import Simulator

logger = logging.getLogger(__name__)
OAUTH_MISUSE = frozenset({"invalid_request", "unsupported_grant_type"})
"""What the OAuth endpoints answer to a request that its author has put together wrongly."""

MOST_BUFFERED = 64 * 1024**2
"""Bytes of one request's body that are held in memory; resumable uploads stream past this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted call of one method.

    params: typed by the discovery document; a repeated parameter is a list (commas split too), an absent one has
    its documented default or is not there. body: the parsed JSON message, or None. upload: "" for an ordinary
    call, else `resumable`, `multipart` or `media`. media and media_type: what came with a multipart or simple
    upload. grant: whose token it was. mask: what of the answer is asked for.
    """

    method: Method
    params: Mapping[str, Any]
    body: dict[str, Any] | None
    upload: str
    media: bytes
    media_type: str
    grant: Grant
    request: Request
    mask: Mask

    @property
    def parts(self) -> list[str]:
        """What `part` asks for, without repetition."""
        return list(dict.fromkeys(self.params.get("part", [])))


Answer = dict[str, Any] | Response | None
Handler = Callable[["Simulator", Call], Awaitable[Answer] | Answer]
"""A method's behaviour. Answers the JSON message, None for 204, or a whole response; raises GoogleError."""


@dataclass(slots=True)
class Trace:
    """What became known of a request on its way, for the journal. mistake: why nobody should have sent it."""

    grant: Grant | None = None
    fault: str = ""
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request whose method is known, nothing of it checked yet. raw: its body; None if too large to hold."""

    request: Request
    match: Match
    query: Mapping[str, list[str]]
    raw: bytes | None

    @property
    def token(self) -> str | None:
        """The access token that it carries."""
        return admission.bearer(self.request, self.query)

    def seen_by_faults(self, simulator: Simulator) -> dict[str, str]:
        """Its parameters as they came, and the token's `channel`."""
        flat = {name: ",".join(values) for name, values in self.query.items()}
        return {**flat, **self.match.path_params, "channel": _channel(simulator, self.token)}


async def dispatch(simulator: Simulator, handlers: Mapping[str, Handler], request: Request) -> Response:
    """Answer one request to an API."""
    incoming = await _incoming(request)
    if incoming is None:
        response = not_found_page(request.scope["path"])
        _note(simulator, "nowhere", request, response, Trace(mistake="no service has this address"))
        return response
    method, trace = incoming.match.method, Trace()
    return await guarded(
        simulator,
        method.id,
        request,
        params=lambda: incoming.seen_by_faults(simulator),
        shape=method.shape,
        produce=lambda: _answer(simulator, handlers, incoming, trace),
        trace=trace,
        charge=lambda: _charge_quietly(simulator, method, incoming.token),
    )


async def _incoming(request: Request) -> Incoming | None:
    verb, query = request.method, parse_qs(request.url.query, keep_blank_values=True)
    raw = await _body(request)
    if request.headers.get("x-http-method-override"):
        # Google's clients send a GET whose address would be too long as a POST with its query as the body.
        verb = request.headers["x-http-method-override"].upper()
        query.update(parse_qs((raw or b"").decode(errors="replace"), keep_blank_values=True))
        raw = b""
    match = discovery.find(verb, request.scope["path"])
    return Incoming(request, match, query, raw) if match else None


async def _body(request: Request) -> bytes | None:
    """The body, or None once it is more than `MOST_BUFFERED`; the server reads on and drops the rest."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BUFFERED:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def guarded(
    simulator: Simulator,
    name: str,
    request: Request,
    *,
    params: Callable[[], Mapping[str, Any]],
    shape: Shape,
    produce: Callable[[], Awaitable[Response]],
    trace: Trace | None = None,
    charge: Callable[[], None] = lambda: None,
) -> Response:
    """Answer a request under the faults in force for `name`, and write it down.

    produce: carries it out; a GoogleError that it raises is answered in the endpoint's shape. params: what a
    fault's `match` is held against. charge: counts a request that a fault answers in the method's place.
    """
    trace = trace or Trace()

    async def answered() -> Response:
        try:
            return await produce()
        except GoogleError as error:
            if isinstance(error, Misuse) or error.reason in OAUTH_MISUSE:
                trace.mistake = str(error)
            return json_response(error.body(shape), error.status, error.headers)
        except Exception as error:
            logger.exception("%s", name)
            trace.mistake = f"the simulator itself failed: {error!r}"
            return json_response(GoogleError(500, "internalError", "Internal error encountered.").body(shape), 500)

    fault = simulator.faults.take(name, params()) if simulator.faults.active else None
    if fault is None:
        response = await answered()
    else:
        trace.fault = fault.kind if fault.reason is None else fault.reason
        if fault.replaces:
            charge()
        response = await injection.strike(fault, method=name, shape=shape, clock=simulator.clock, produce=answered)
    _note(simulator, name, request, response, trace)
    return response


def _note(simulator: Simulator, name: str, request: Request, response: Response, trace: Trace) -> None:
    """Write a request down with how it was answered."""
    simulator.journal.record(
        Entry(
            at=format_instant(simulator.clock()),
            method=name,
            verb=request.method,
            path=request.scope["path"],
            channel=(trace.grant.channel_id or "") if trace.grant else "",
            status=response.status_code,
            part=request.query_params.get("part", ""),
            filters=request.query_params.get("filters", ""),
            fault=trace.fault,
            mistake=trace.mistake,
        )
    )


async def _answer(
    simulator: Simulator, handlers: Mapping[str, Handler], incoming: Incoming, trace: Trace
) -> Response:
    method = incoming.match.method
    key = incoming.query.get("key")
    _charge(simulator, method, incoming.token)
    grant = admission.authenticated(simulator.grants, incoming.token, key[0] if key else None)
    trace.grant = grant
    admission.check_scopes(method, grant)
    admission.check_account(method, grant)
    try:
        call = _admitted(incoming, grant)
    except GoogleError as error:
        trace.mistake = str(error)
        raise
    answer = handlers.get(method.id, _not_simulated)(simulator, call)
    if inspect.isawaitable(answer):
        answer = await answer
    response = _response(method, answer, call.mask)
    return finish(incoming.request, response, ranges=method.media_download)


def _not_simulated(_simulator: Simulator, call: Call) -> Answer:
    raise not_simulated(f"the method {call.method.id}")


def _admitted(incoming: Incoming, grant: Grant) -> Call:
    """The call, once its parameters and body hold."""
    method, request = incoming.match.method, incoming.request
    params = admission.parameters(method, incoming.match.path_params, incoming.query)
    mask = _selection(method, incoming.query)
    if incoming.raw is None:
        raise GoogleError(413, "uploadTooLarge", f"The body is larger than {MOST_BUFFERED} bytes.")
    content_type = request.headers.get("content-type", "")
    upload, message, content, media_type = "", incoming.raw, b"", ""
    if incoming.match.upload:
        upload = media.kind(incoming.query)
        message, content, media_type = media.split(upload, incoming.raw, content_type)
        content_type = "application/json"
    elif method.media_download and incoming.query.get("alt") != ["media"]:
        raise bad_request("This method answers media only: alt=media is required.", location="alt")
    return Call(
        method=method,
        params=params,
        body=admission.json_body(method, message, content_type),
        upload=upload,
        media=content,
        media_type=media_type,
        grant=grant,
        request=request,
        mask=mask,
    )


def _response(method: Method, answer: Answer, mask: Mask) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status_code=204)
    if errors := discovery.response_errors(method.id, answer):
        # A wrong answer here would teach our clients a wrong YouTube.
        raise ValueError(f"{method.id} answers what its schema does not know: {errors[:5]}")
    headers = {"etag": f'"{answer["etag"]}"'} if isinstance(answer.get("etag"), str) else {}
    return json_response(masked(answer, mask), headers=headers)


def _selection(method: Method, query: Mapping[str, list[str]]) -> Mask:
    """What of the answer `fields` asks for. Raises 400 for what does not parse, or no answer can have."""
    selector = (query.get("fields") or [""])[0]
    if not selector:
        return {}
    try:
        mask = mask_of(selector)
        wrong = discovery.unknown_field(method, mask)
    except WrongMask:
        wrong = selector
    if wrong is not None:
        raise GoogleError(400, "invalidParameter", f"Invalid field selection {wrong}", location="fields")
    return mask


def _channel(simulator: Simulator, token: str | None) -> str:
    """The channel behind a token, or an empty string: only to choose whom a fault hits."""
    try:
        return (simulator.grants.authenticate(token).channel_id or "") if token else ""
    except GoogleError:
        return ""


def _charge(simulator: Simulator, method: Method, token: str | None) -> None:
    """Count a request, whatever will come of it; one whose token nobody was ever given is nobody's."""
    if token is not None and simulator.grants.issued(token):
        simulator.quota.charge(method.id, quota.cost_of(method.id, method.verb))


def _charge_quietly(simulator: Simulator, method: Method, token: str | None) -> None:
    try:
        _charge(simulator, method, token)
    except GoogleError:
        return
