"""Where files may come from: buckets and hosts on the operator's list, and public addresses alone.

A URL that a customer gives makes our servers ask somewhere. So the name is resolved here, every address that it
has must be public, and the connection goes to one of those very addresses: a name that answers differently a
second later (DNS rebinding) changes nothing. Source: OWASP, server-side request forgery prevention.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from shared.errors import InvalidRequest, Unavailable

HTTPS_PORT = 443
_URL_MAX = 2048
_ADDRESSES_MAX = 4  # that are tried; each may take its time not to answer
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # for protocols: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
"""Parts of the unicast space that are no hosts of the public Internet. Source: IANA, special-purpose addresses."""

Resolver = Callable[[str], Sequence[str]]  # all addresses of a host name. Raises OSError when it has none.

Admits = Callable[[str], bool]  # whether an address may be connected to


@dataclass(frozen=True)
class Target:
    """A URL and the addresses that stand for its host, in the order in which they are tried."""

    host: str
    addresses: tuple[str, ...]
    path: str


def resolve(host: str) -> Sequence[str]:
    """All addresses of a name, as this machine sees them."""
    found = socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)
    return sorted({str(entry[4][0]) for entry in found})


def is_public(address: str) -> bool:
    """Whether an address is one of the public Internet: not private, loopback, link-local, shared or reserved.

    Of IPv6 only plain global unicast counts, nothing that carries another address in it or is set aside.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _UNICAST and ip.is_global and not any(ip in special for special in _SPECIAL)
    return ip.is_global and not ip.is_multicast


def checked(url: str, *, field: str) -> SplitResult:
    """The URL's parts. Raises InvalidRequest for anything but a plain https address of a named host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequest("The source is not a URL.", field=field) from error
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidRequest("The source must be an https:// URL.", field=field)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("The source's URL must not carry a user name or password.", field=field)
    if port not in {None, HTTPS_PORT}:
        raise InvalidRequest("The source must be on port 443.", field=field)
    if len(url) > _URL_MAX or any(ord(letter) < 33 for letter in url):
        raise InvalidRequest("The source's URL is too long, or has spaces in it.", field=field)
    return parts


def target(url: str, *, field: str, resolver: Resolver = resolve, admits: Admits = is_public) -> Target:
    """Where to connect for a URL.

    Raises InvalidRequest for a URL or address that no source may have (one bad address of many is enough),
    Unavailable for a name that does not resolve.
    """
    parts = checked(url, field=field)
    host = str(parts.hostname)
    try:
        addresses = resolver(host)
    except (OSError, UnicodeError) as error:
        raise Unavailable("The source's host name has no address.", reason="sourceUnreachable") from error
    if not addresses or not all(admits(address) for address in addresses):
        words = "The source's address is not on the public Internet."
        raise InvalidRequest(words, reason="sourceNotPublic", field=field)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain_first = sorted(addresses, key=lambda address: ":" in address)  # not every host of ours speaks IPv6
    return Target(host, tuple(plain_first[:_ADDRESSES_MAX]), path)


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
