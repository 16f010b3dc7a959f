"""Which settings a function's code reads, found in its source.

A change of a setting redeploys the functions that read it, and no other. Every attribute that is called like a
field of `Settings` counts, whatever it is an attribute of: too many at worst, never too few.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache

from shared.settings import Settings, variable

HOME = "shared/settings.py"
VARIABLES: Mapping[str, str] = {item.name: variable(item.name) for item in fields(Settings)}
"""Each field's environment variable."""


def used(files: Mapping[str, bytes]) -> frozenset[str]:
    """The environment variables that a function's files read by `Settings`."""
    if HOME not in files:
        return frozenset()
    through = _properties(files[HOME])
    found: set[str] = set()
    for path, content in files.items():
        if path.endswith(".py") and path != HOME:
            for name in _attributes(content):
                found |= through.get(name, {name} & VARIABLES.keys())
    return frozenset(VARIABLES[name] for name in found)


@cache
def _attributes(content: bytes) -> frozenset[str]:
    """Names of all attributes that a module reads."""
    return frozenset(node.attr for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Attribute))


@cache
def _properties(content: bytes) -> Mapping[str, frozenset[str]]:
    """Methods and properties of `Settings`, each with the fields that it reads."""
    return dict(_methods(ast.parse(content)))


def _methods(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == Settings.__name__:
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield method.name, frozenset(_own_fields(method))


def _own_fields(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self" and node.attr in VARIABLES:
            yield node.attr
