"""The codes that report files write for some dimensions, and the Analytics API's words for them.

One declaration for both APIs: reports are written with the codes, the Analytics API answers the words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def codes() -> Mapping[str, Mapping[str, str]]:
    """Code to word, by the reports' name of the dimension."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def code(dimension: str, word: str) -> str:
    """The code of a word."""
    return next(code for code, known in codes()[dimension].items() if known == word)
