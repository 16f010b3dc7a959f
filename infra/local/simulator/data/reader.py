"""Who is asking, and the refusals that several methods share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from infra.local.simulator.data.paging import BadToken, Item, Page, etag, page
from infra.local.simulator.data.rules import Problem
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

MOST_IDS = 50


def own_channel(simulator: Simulator, call: Call) -> Channel:
    """The channel that the token is for. Raises what YouTube answers when there is none, or none that may act."""
    channel_id = reader(call)
    channel = simulator.world.channel(channel_id) if channel_id else None
    if channel is None:
        raise GoogleError(
            401,
            "youtubeSignupRequired",
            "Unauthorized",
            domain="youtube.header",
            location="Authorization",
            location_type="header",
        )
    if channel.state == "closed":
        raise GoogleError(403, "channelClosed", "The channel has been closed.", domain="youtube.common")
    if channel.state == "suspended":
        raise GoogleError(403, "channelSuspended", "The channel has been suspended.", domain="youtube.common")
    return channel


def reader(call: Call) -> str | None:
    """The channel whose private things this call may see; None if the account has no channel."""
    if call.params.get("onBehalfOfContentOwner"):
        raise forbidden("youtube.common", "The account is not linked to this content owner.")
    return call.grant.channel_id


def unknown_here(what: str) -> GoogleError:
    """The 501 for something that YouTube offers and this simulator does not: better loud than wrong."""
    return GoogleError(501, "notImplemented", f"The simulator does not know {what}.")


def one_filter(call: Call, *names: str) -> str:
    """The one filter that a list call uses, of those the method knows. Raises for none and for two."""
    used = [name for name in names if call.params.get(name) not in (None, False, [], "")]
    if not used:
        raise GoogleError(
            400,
            "missingRequiredParameter",
            f"No filter selected. Expected one of: {', '.join(names)}",
            domain="youtube.parameter",
            location="parameters.",
            location_type="other",
        )
    if len(used) > 1:
        raise GoogleError(
            400,
            "incompatibleParameters",
            f"Incompatible parameters specified in the request: {', '.join(used)}",
            domain="youtube.parameter",
            location="parameters.",
            location_type="other",
        )
    return used[0]


def ids(call: Call) -> list[str]:
    """The ids of a list call, each once. Raises when there are more than 50."""
    asked = list(dict.fromkeys(call.params.get("id", [])))
    if len(asked) > MOST_IDS:
        raise GoogleError(
            400,
            "invalidFilters",
            f"At most {MOST_IDS} ids can be asked for at once.",
            domain="youtube.parameter",
            location="id",
            location_type="parameter",
        )
    return asked


def paged(call: Call, items: Sequence[Item], *, of: str) -> Page[Item]:
    """The page that a list call asks for. Raises 400 invalidPageToken."""
    try:
        return page(items, of=of, size=int(call.params.get("maxResults", 5)), token=call.params.get("pageToken"))
    except BadToken:
        raise GoogleError(
            400,
            "invalidPageToken",
            "The request specifies an invalid page token.",
            domain="youtube.parameter",
            location="pageToken",
            location_type="parameter",
        ) from None


def listing(call: Call, kind: str, items: Sequence[Mapping[str, Any]], shown: Page[Any] | None = None) -> Answer:
    """A list answer with its ETag; 304 when the caller has it already."""
    total = len(items) if shown is None else shown.total
    size = len(items) if shown is None else int(call.params.get("maxResults", 5))
    payload: dict[str, Any] = {
        "kind": kind,
        "items": list(items),
        "pageInfo": {"totalResults": total, "resultsPerPage": size},
    }
    if shown is not None and shown.next_token:
        payload["nextPageToken"] = shown.next_token
    if shown is not None and shown.previous_token:
        payload["prevPageToken"] = shown.previous_token
    return fresh(call, payload)


def fresh(call: Call, payload: dict[str, Any]) -> Answer:
    """An answer with an ETag over all of it, or 304 for one that the caller holds."""
    payload["etag"] = etag(payload)
    held = call.request.headers.get("if-none-match", "").strip('"')
    if held == payload["etag"]:
        return Response(status_code=304, headers={"ETag": held})
    return payload


def refuse(problem: Problem, domain: str = "youtube.video") -> GoogleError:
    """The 400 for something wrong with a resource that was sent."""
    return GoogleError(
        400,
        problem.reason,
        problem.message,
        domain=domain,
        location=problem.location,
        location_type="other",
    )


def not_found(what: str, domain: str, location: str) -> GoogleError:
    """The 404 for a video, playlist or item that is not there."""
    message = f"The {what} identified with the request cannot be found."
    kind = "other" if location.startswith("body.") else "parameter"
    return GoogleError(404, f"{what}NotFound", message, domain=domain, location=location, location_type=kind)


def forbidden(domain: str, message: str = "The request is not properly authorized.") -> GoogleError:
    """The 403 for something that belongs to somebody else."""
    return GoogleError(403, "forbidden", message, domain=domain)
