"""Which buckets and hosts files may come from: those on the operator's list, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import InvalidRequest


@dataclass(frozen=True)
class Allowed:
    """The operator's list. hosts: whole names; one that begins with a dot stands for every host under it."""

    buckets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def check(self, source: Mapping[str, str], *, field: str) -> None:
        """Raises InvalidRequest, reason sourceNotAllowed, for a source that is not on the list."""
        if "url" in source:
            self.check_host(urlsplit(source["url"]).hostname or "", field=field)
        elif source["bucket"] not in self.buckets:
            raise _refused(f"The bucket {source['bucket']!r}", f"{field}.bucket")

    def check_host(self, host: str, *, field: str) -> None:
        """Raises InvalidRequest for a host that is not on the list; a redirect leads to no such host either."""
        if not any(host == one or (one.startswith(".") and host.endswith(one)) for one in self.hosts):
            raise _refused(f"The host {host!r}", f"{field}.url")


def _refused(what: str, field: str) -> InvalidRequest:
    words = f"{what} is not on the operator's list of places that files may come from."
    return InvalidRequest(words, reason="sourceNotAllowed", field=field)
