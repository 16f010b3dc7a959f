"""The webhook once it runs: what it takes and refuses a second, and how soon while it is flooded.

The floor is the framework's hello, to which the same is posted and which reads it. Pub/Sub's emulator has its part
of the same cores, so beside the rate stands what a function itself needs of the CPU. The peer is a hello that
publishes what it reads by Google's client library, as its documents have it, and does nothing else.
"""

from __future__ import annotations

from functools import cache

from infra.bench import Limit, Measured, row
from infra.bench.hearing import CONNECTIONS, about, latencies, post, rate, servers, surroundings, taken
from infra.bench.rows.functions import measure

_COUNT, _ROUNDS = 40 * CONNECTIONS, 3


@cache
def _figures() -> dict[str, float]:
    """Requests a second, the best of rounds taken in turns, and a server's CPU for one, in µs, the least of them;
    and the slowest but one of a hundred, in ms."""
    best: dict[str, float] = {}
    with servers() as running:
        forged, real = post(about("forgedOne_1"), forged=True), post(about("realVideo_1"))
        asked = {
            "hello": (running.hello, real, 200),
            "refused": (running.webhook, forged, 403),
            "accepted": (running.webhook, real, 204),
            "client": (running.client, real, 200),
        }
        for number in range(_ROUNDS + 1):
            for name, (server, request, expected) in asked.items():
                before = server.cpu()
                found = rate(server.port, request, expected, _COUNT)
                used = (server.cpu() - before) / _COUNT * 1e6
                if number:  # the first connects to Pub/Sub and Firestore
                    best[name] = max(best.get(name, 0), found)
                    best[f"cpu of {name}"] = min(best.get(f"cpu of {name}", used), used)
        for name, flooded in (("quiet", False), ("flooded", True)):
            best[name] = latencies(running.webhook.port, flooded=flooded)[-2] * 1_000
    return best


def _measured(name: str, floor: str, peer: str) -> Measured:
    return Measured(value=_figures()[name], floor=_figures()[floor], peer=_figures()[peer])


@row("webhook.accepted", unit="1/s", limit=Limit(bound=0.5, of="ratio_to_floor", at_least=True))
def accepted() -> Measured:
    """notifications that it takes, each handed to Pub/Sub before the answer"""
    return _measured("accepted", "hello", "client")


@row("webhook.accepted.cpu", unit="µs")
def accepted_cpu() -> Measured:
    """CPU that it has for each of them, which is what a deployed function pays"""
    return _measured("cpu of accepted", "cpu of hello", "cpu of client")


@row("webhook.refused", unit="1/s", limit=Limit(bound=0.8, of="ratio_to_floor", at_least=True))
def refused() -> Measured:
    """notifications with a forged signature that it refuses and counts"""
    return Measured(value=_figures()["refused"], floor=_figures()["hello"])


@row("webhook.refused.cpu", unit="µs")
def refused_cpu() -> Measured:
    """CPU that it has for each of those"""
    return Measured(value=_figures()["cpu of refused"], floor=_figures()["cpu of hello"])


@row("webhook.cold.accepted", unit="ms", limit=Limit(bound=1.6, of="ratio_to_floor"))
def accepted_cold() -> Measured:
    """a cold webhook takes a notification, handed to Pub/Sub before the answer; the floor says hello

    The time in which google-auth is loaded is part of it, as at Google; that in which the metadata server gives a
    token is not, for the emulator takes none.
    """
    with surroundings() as (_, environment):
        return measure("webhook", taken, environment)


@row("webhook.flooded", unit="ms")
def flooded() -> Measured:
    """99 % of real notifications, 20 a second, are answered within while 200 forged come; the floor is without"""
    return Measured(value=_figures()["flooded"], floor=_figures()["quiet"])
