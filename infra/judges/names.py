"""Google Cloud's rules for names and sizes that no discovery document states.

Sources: cloud.google.com, "Create service accounts" (6 to 30 characters), Pub/Sub "Resource names", Cloud Tasks
REST reference (queues), Secret Manager "Create a secret", "Labels", Cloud Run "Locations", "Memory limits", "CPU
limits".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A kind of name: its whole form, and the same in words."""

    form: re.Pattern[str]
    words: str


_REGION = (
    r"africa-south1|asia-(?:east|south|southeast)[12]|asia-northeast[1-3]|australia-southeast[12]|europe-central2|"
    r"europe-north1|europe-southwest1|europe-west(?:[1-46]|8|9|10|12)|me-(?:central[12]|west1)|us-central1|"
    r"northamerica-northeast[12]|southamerica-(?:east|west)1|us-east[145]|us-south1|us-west[1-4]"
)
RULES: Mapping[str, Rule] = {
    "region": Rule(re.compile(_REGION), "no region in which functions are, known on 2026-11-29"),
    "location": Rule(re.compile(f"US|EU|{_REGION}"), "BigQuery has US, EU and regions"),
    "service account": Rule(
        re.compile(r"[a-z](?=.{5,29}\Z)[a-z0-9-]*[a-z0-9]"),
        "6 to 30 characters: lower-case letters, digits and hyphens, a letter first",
    ),
    "function": Rule(
        re.compile(r"[a-z](?=.{0,62}\Z)[a-z0-9_-]*[a-z0-9]"),
        "at most 63 characters: lower-case letters, digits, hyphens and underscores, a letter first",
    ),
    "service": Rule(
        re.compile(r"[a-z](?=.{0,48}\Z)[a-z0-9-]*[a-z0-9]"),
        "at most 49 characters: lower-case letters, digits and hyphens, a letter first",
    ),
    "topic": Rule(
        re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"), "3 to 255 characters, a letter first, not goog"
    ),
    "subscription": Rule(
        re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"), "3 to 255 characters, a letter first, not goog"
    ),
    "queue": Rule(re.compile(r"[A-Za-z0-9-]{1,100}"), "at most 100 letters, digits and hyphens"),
    "secret": Rule(re.compile(r"[A-Za-z0-9_-]{1,255}"), "at most 255 letters, digits, hyphens and underscores"),
    "schedule": Rule(re.compile(r"[A-Za-z0-9_-]{1,500}"), "at most 500 letters, digits, hyphens and underscores"),
    "label key": Rule(re.compile(r"[a-z][a-z0-9_-]{0,62}"), "at most 63 characters, a lower-case letter first"),
    "label value": Rule(re.compile(r"[a-z0-9_-]{0,63}"), "at most 63 lower-case letters, digits, _ and -"),
}

_UNITS = {"Mi": 1, "Gi": 1024, "M": 1, "G": 1024}
_LEAST_MEMORY = ((4.0, 2048), (2.0, 128), (0.08, 128))
"""From so many CPUs on, at least so many MiB."""
_LEAST_CPU = ((16 * 1024, 6.0), (8 * 1024, 4.0), (4 * 1024, 2.0), (2 * 1024, 1.0), (1024, 0.5))
"""Above so many MiB, at least so many CPUs."""
DEFAULT_CPU = ((128, 0.083), (256, 0.167), (512, 0.333), (1024, 0.583), (2048, 1.0), (4096, 2.0))
"""What a function of so many MiB gets when no CPU is declared."""


def problems(kind: str, name: str) -> Iterator[str]:
    """What Google would say of a name of a kind, in words."""
    rule = RULES[kind]
    if not rule.form.fullmatch(name):
        yield f"{kind} {name!r}: {rule.words}"


def mebibytes(memory: str) -> int | None:
    """A memory size in MiB; None for what Google would not read."""
    found = re.fullmatch(r"(\d+)(Mi|Gi|M|G)", memory)
    return int(found[1]) * _UNITS[found[2]] if found else None


def sizing(memory: str | None, cpu: str | float | None, concurrency: int | None, timeout: int | None) -> list[str]:
    """What Cloud Run would refuse of a function's sizes, in words."""
    found = []
    size = mebibytes(memory or "256Mi")
    if size is None or not 128 <= size <= 32 * 1024:
        found.append(f"memory {memory!r}: 128Mi to 32Gi")
        size = 256
    cpus = None if cpu is None else float(cpu)
    if cpus is not None:
        if not 0.08 <= cpus <= 8 or (cpus > 1 and cpus != int(cpus)):
            found.append(f"cpu {cpu}: 0.08 to 1, or a whole number up to 8")
        least = next((least for above, least in _LEAST_CPU if size > above), 0.08)
        if cpus < least:
            found.append(f"cpu {cpu}: {memory} needs at least {least:g}")
        if size < next((least for from_, least in _LEAST_MEMORY if cpus >= from_), 128):
            found.append(f"memory {memory}: too little for {cpu} CPUs")
    if (concurrency or 1) > 1 and (cpus is None or cpus < 1):
        found.append(f"concurrency {concurrency}: needs at least 1 CPU")
    if not 1 <= (concurrency or 1) <= 1000:
        found.append(f"concurrency {concurrency}: 1 to 1000")
    if not 1 <= (timeout or 60) <= 3600:
        found.append(f"timeout {timeout}: 1 to 3600 seconds")
    return found


LIMITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "function": {"max_instances": (1, 1000)},
    "schedule": {"attempt_deadline": (15, 1800)},
    "queue": {
        "max_dispatches_per_second": (0.001, 500),
        "max_concurrent_dispatches": (1, 5000),
        "max_attempts": (-1, 10_000),
        "max_doublings": (0, 16),
    },
    "subscription": {"max_delivery_attempts": (5, 100), "ack_deadline": (10, 600), "max_backoff": (0, 600)},
}
"""Least and greatest value of each figure that Google limits."""


def out_of_range(kind: str, record: object) -> Iterator[str]:
    """Which figures of a declared thing Google would refuse, in words."""
    for name, (least, greatest) in LIMITS[kind].items():
        value = getattr(record, name)
        if not least <= value <= greatest:
            yield f"{name} {value:g}: {least:g} to {greatest:g}"
