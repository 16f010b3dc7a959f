"""How Google refuses a whole project, or a token's scopes, at one of its services.

The words, the details and the links are those of answers that others have published; the services are enabled, and
refuse, each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.simulator.errors import GoogleError

PROJECT = "123456789012"
SERVICES: Mapping[str, tuple[str, str]] = {
    "youtube": ("youtube.googleapis.com", "YouTube Data API v3"),
    "youtubeAnalytics": ("youtubeanalytics.googleapis.com", "YouTube Analytics API"),
    "youtubereporting": ("youtubereporting.googleapis.com", "YouTube Reporting API"),
}
"""The service behind each API, by the first word of its methods' ids, and what Google calls it."""


def disabled(method: str) -> GoogleError:
    """403 for an API that the project has not enabled."""
    service, title = _service(method)
    page = f"https://console.developers.google.com/apis/api/{service}/overview?project={PROJECT}"
    message = (
        f"{title} has not been used in project {PROJECT} before or it is disabled. Enable it by visiting {page} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our "
        "systems and retry."
    )
    links = [{"description": "Google developers console API activation", "url": page}]
    help_ = {"@type": "type.googleapis.com/google.rpc.Help", "links": links}
    details = [help_, _info("SERVICE_DISABLED", service)]
    return GoogleError(403, "accessNotConfigured", message, domain="usageLimits", details=details)


def suspended(method: str) -> GoogleError:
    """403 for a project that Google has suspended; the general word comes first, the true one in the details."""
    message = f"Permission denied: Consumer 'projects/{PROJECT}' has been suspended."
    return _shut_out("CONSUMER_SUSPENDED", message, method)


def invalid(method: str) -> GoogleError:
    """403 for a project that Google does not know or has deleted."""
    return _shut_out("CONSUMER_INVALID", f"Permission denied on resource project {PROJECT}.", method)


def scope_missing(method: str) -> GoogleError:
    """403 for a token without the scopes that a method needs."""
    detail = _info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", _service(method)[0])
    detail["metadata"] = {"service": detail["metadata"]["service"], "method": method}
    message = "Request had insufficient authentication scopes."
    return GoogleError(403, "insufficientPermissions", message, details=[detail])


REFUSALS: Mapping[str, Callable[[str], GoogleError]] = {
    "accessNotConfigured": disabled,
    "consumerSuspended": suspended,
    "consumerInvalid": invalid,
    "insufficientPermissions": scope_missing,
}
"""What a fault may ask for, worded for the service of the method that it hits."""


def _service(method: str) -> tuple[str, str]:
    return SERVICES.get(method.partition(".")[0], SERVICES["youtube"])


def _shut_out(word: str, message: str, method: str) -> GoogleError:
    service, _ = _service(method)
    localized = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": message,
    }
    return GoogleError(403, "forbidden", message, details=[_info(word, service), localized])


def _info(word: str, service: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": word,
        "domain": "googleapis.com",
        "metadata": {"consumer": f"projects/{PROJECT}", "service": service},
    }
