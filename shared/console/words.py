"""What codes are called on the console, from `words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def words(kind: str) -> Mapping[str, Any]:
    """What each code of a kind is called, in the order of telling."""
    found: Mapping[str, Any] = _WORDS[kind]
    return found


def called(kind: str, code: str) -> str:
    """What a code is called; the code itself when it has no name."""
    return str(words(kind).get(code, code))


def standing(kind: str, code: str) -> dict[str, str]:
    """A state as the tables show it: what it is called, and the tone of its dot."""
    return {"standing": called(kind, code), "tone": called("tones", code)}
