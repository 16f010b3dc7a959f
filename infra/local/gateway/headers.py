"""What Google's front end takes from a request's headers, leaves, and adds."""

from __future__ import annotations

import random
from collections.abc import Iterable

Header = tuple[str, str]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
IAP_ASSERTION = "x-goog-iap-jwt-assertion"
IAP_PREFIXES = (IAP_ASSERTION, "x-goog-authenticated-user-")
SIGNATURE_REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
_SET_HERE = HOP_BY_HOP | {
    "content-length",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-cloud-trace-context",
    "traceparent",
}


def passed_on(headers: Iterable[Header]) -> list[Header]:
    """A request's headers without those that end at, or are set by, the front end."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in _SET_HERE]


def answered(headers: Iterable[Header]) -> list[Header]:
    """A response's headers without those that concern one connection only."""
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | {"content-length"}]


def claims_to_be_iap(headers: Iterable[Header]) -> bool:
    """Whether a request brings headers that only Identity-Aware Proxy may set."""
    return any(name.lower().startswith(IAP_PREFIXES) for name, _ in headers)


def count(headers: Iterable[Header], name: str) -> int:
    """How often a request brings a header."""
    return sum(key.lower() == name for key, _ in headers)


def forwarded_for(existing: str | None, client: str, balancer: str | None) -> str:
    """X-Forwarded-For: what came in, then the client, then the load balancer if one was passed.

    Source: https://cloud.google.com/load-balancing/docs/https#x-forwarded-for_header
    """
    return ", ".join(part for part in (existing, client, balancer) if part)


def trace_context(existing: str | None, dice: random.Random) -> str:
    """X-Cloud-Trace-Context (TRACE_ID/SPAN_ID;o=OPTIONS), kept when the caller sent one."""
    return existing or f"{dice.getrandbits(128):032x}/{dice.getrandbits(63)};o=1"


def without_signature(authorization: str) -> str:
    """The header as a function sees it once IAM has checked it: good for reading, useless for calling.

    Source: https://cloud.google.com/run/docs/troubleshooting#signature-removed
    """
    signed, _, _ = authorization.rpartition(".")
    return f"{signed}.{SIGNATURE_REMOVED}"


def with_header(headers: Iterable[Header], name: str, value: str) -> list[Header]:
    """The headers with one set to exactly this value."""
    return [*((key, old) for key, old in headers if key.lower() != name), (name, value)]
