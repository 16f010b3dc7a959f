"""What `shared/data_map.py` says of Firestore's collections, in words for people, as `data_map.toml` has them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from shared.data_map import COLLECTIONS


@dataclass(frozen=True)
class Words:
    """One collection in words; what each means stands at the head of `data_map.toml`."""

    owner: str
    key: str
    retention: str = "while the channel is connected"
    remains: str = "nothing"


WORDS = {
    path: Words(**words)
    for path, words in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}
"""By the collection's path."""


def ttl_policies() -> dict[str, str]:
    """The field by which each collection's documents expire."""
    return {each.name: each.ttl for each in COLLECTIONS if each.ttl}


def group_indexes() -> dict[str, str]:
    """The field by which all collections of a name are queried at once."""
    return {each.name: each.group_index for each in COLLECTIONS if each.group_index}
