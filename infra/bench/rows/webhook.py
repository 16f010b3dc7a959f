"""The webhook once it runs: what it takes and refuses a second, and how soon while it is flooded."""

from __future__ import annotations

from functools import cache

from infra.bench import Limit, Measured, row
from infra.bench.hearing import about, latencies, post, rate, servers, surroundings, taken
from infra.bench.rows.functions import measure

_COUNT, _ROUNDS = 1_600, 3


@cache
def _figures() -> dict[str, float]:
    """Requests a second, the best of rounds taken in turns; and the slowest but one of a hundred, in ms."""
    best: dict[str, float] = {}
    with servers() as running:
        forged, real = post(about("forgedOne_1"), forged=True), post(about("realVideo_1"))
        asked = {
            "hello": (running.hello, real, 200),
            "refused": (running.webhook, forged, 403),
            "accepted": (running.webhook, real, 204),
        }
        for number in range(_ROUNDS + 1):
            for name, (port, request, expected) in asked.items():
                found = rate(port, request, expected, _COUNT)
                if number:  # the first connects to Pub/Sub and Firestore
                    best[name] = max(best.get(name, 0), found)
        for name, flooded in (("quiet", False), ("flooded", True)):
            best[name] = latencies(running.webhook, flooded=flooded)[-2] * 1_000
    return best


@row("webhook.accepted", unit="1/s", limit=Limit(bound=0.5, of="ratio_to_floor", at_least=True))
def accepted() -> Measured:
    """notifications that it takes, each handed to Pub/Sub before the answer; the floor says hello to the same"""
    return Measured(value=_figures()["accepted"], floor=_figures()["hello"])


@row("webhook.refused", unit="1/s", limit=Limit(bound=0.8, of="ratio_to_floor", at_least=True))
def refused() -> Measured:
    """notifications with a forged signature that it refuses and counts; the floor says hello to the same"""
    return Measured(value=_figures()["refused"], floor=_figures()["hello"])


@row("webhook.cold.accepted", unit="ms", limit=Limit(bound=3.5, of="ratio_to_floor"))
def accepted_cold() -> Measured:
    """a cold webhook takes a notification, handed to Pub/Sub before the answer; the floor says hello"""
    with surroundings() as (_, environment):
        return measure("webhook", taken, environment)


@row("webhook.flooded", unit="ms")
def flooded() -> Measured:
    """99 % of real notifications, 20 a second, are answered within while 200 forged come; the floor is without"""
    return Measured(value=_figures()["flooded"], floor=_figures()["quiet"])
