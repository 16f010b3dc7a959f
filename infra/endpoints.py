"""Every method of YouTube's that this project calls: declared in `endpoints.toml`, found in the code.

The declaration says what no code says by itself: what for, and how long the owner's guide lets an answer be kept.
Which methods are called, and where, is read from the code of `shared/youtube`; prices are the quota profile's.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.deployment import ROOT
from shared.youtube import reporting, uploads

ROOM = ROOT / "shared" / "youtube"
CONSTANTS = {"DOWNLOAD": reporting.DOWNLOAD, "LIST": reporting.LIST, "INSERT": uploads.INSERT}
"""Methods that the code calls by a name of its own."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method. See the head of the file for the fields."""

    method: str
    purpose: str
    parts: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    batch: str = ""
    cached: int = 0

    def sends(self, part: str) -> bool:
        """Whether `part` is sent so."""
        return part in self.parts or bool(part and self.of and set(part.split(",")) <= set(self.of))


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """The declaration, by method."""
    raw = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    lists = ("parts", "of")
    return {
        method: Endpoint(method=method, **{**table, **{name: tuple(table.get(name, ())) for name in lists}})
        for method, table in raw.items()
    }


@cache
def called() -> Mapping[str, tuple[str, ...]]:
    """Where each method is called: `module.function` of shared/youtube, by method."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for method in dict.fromkeys(_methods(node)):
                    found[method].append(f"{path.stem}.{node.name}")
    return {method: tuple(places) for method, places in found.items()}


def _methods(function: ast.FunctionDef) -> Iterator[str]:
    """The methods that a function calls, as in `caller.call("youtube.videos.list")` or `caller.spend(LIST)`."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr="call" | "listing" | "spend"), args=[method, *_]):
                match method:
                    case ast.Constant(value=str(name)):
                        yield name
                    case ast.Name(id=name) if name in CONSTANTS:
                        yield CONSTANTS[name]


def undeclared(requests: Iterable[tuple[str, str]]) -> list[str]:
    """What the declaration does not know of some requests, each a method and its `part` (empty for none)."""
    return [
        f"{method} with part={part!r}"
        for method, part in sorted(set(requests))
        if method not in endpoints() or not (endpoints()[method].sends(part) or not part)
    ]
