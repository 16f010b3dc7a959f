"""Google's own client for the three YouTube APIs, built from the discovery documents that ship with it.

Building costs milliseconds and a resource about one more, so both are kept for the process; a method's request
then costs some 30 µs. The documents' root is replaced as a whole: `client_options.api_endpoint` would move
ordinary calls only, and media uploads would still go to Google's address.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from shared.settings import Settings

DATA = ("youtube", "v3")
ANALYTICS = ("youtubeAnalytics", "v2")
REPORTING = ("youtubereporting", "v1")


def data(settings: Settings, *path: str) -> Any:
    """A resource of the Data API, such as `data(settings, "videos")`."""
    return _resource(DATA, settings.youtube_root, path)


def analytics(settings: Settings, *path: str) -> Any:
    """A resource of the Analytics API."""
    return _resource(ANALYTICS, settings.analytics_root, path)


def reporting(settings: Settings, *path: str) -> Any:
    """A resource of the Reporting API."""
    return _resource(REPORTING, settings.reporting_root, path)


@cache
def _resource(api: tuple[str, str], root: str, path: tuple[str, ...]) -> Any:
    found = _service(api, root)
    for name in path:
        found = getattr(found, name)()
    return found


@cache
def _service(api: tuple[str, str], root: str) -> Any:
    from googleapiclient.discovery import build_from_document
    from googleapiclient.discovery_cache import get_static_doc

    document = json.loads(get_static_doc(*api))
    document["rootUrl"] = f"{root}/"
    document["baseUrl"] = f"{root}/{document['servicePath']}"
    document.pop("mtlsRootUrl", None)
    return build_from_document(document, http=_Unused())


class _Unused:
    """Each exchange brings an `http` of its own; a request that was sent without one is a defect."""

    def request(self, *_args: object, **_kwargs: object) -> tuple[object, bytes]:
        raise AssertionError("a request was executed without a caller")
