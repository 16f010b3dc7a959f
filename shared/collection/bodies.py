"""What collectors are told: bodies of a few known fields, each checked, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import InvalidRequest

_CHANNELS_AT_ONCE = 1_000


def checked(body: Mapping[str, Any], known: Mapping[str, Callable[[str, object], Any]]) -> dict[str, Any]:
    """The body with every field checked. Raises InvalidRequest for a wrong one, an unknown one, or two at once."""
    for name in sorted(set(body) - set(known)):
        raise InvalidRequest(f"There is no {name} here; known: {', '.join(sorted(known))}.", field=name)
    if len(body) > 1:
        raise InvalidRequest(f"One of {', '.join(sorted(body))}, not all.", field=max(body))
    return {name: known[name](name, value) for name, value in body.items()}


def channel_id(name: str, value: object) -> str:
    """A channel's id."""
    if not isinstance(value, str) or not value or len(value) > 100 or "/" in value:
        raise InvalidRequest(f"{name} must be a channel id.", field=name)
    return value


def channel_ids(name: str, value: object) -> list[str]:
    """Channel ids, each once, in their order."""
    if not isinstance(value, list) or len(value) > _CHANNELS_AT_ONCE:
        raise InvalidRequest(f"{name} must be a list of channel ids.", field=name)
    return list(dict.fromkeys(channel_id(name, item) for item in value))


def switch(name: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true or false.", field=name)
    return value
