"""Requests to Google's REST APIs judged by their discovery documents: method, parameters, body.

found = find("cloudfunctions.v2", "POST", "/v2/projects/p/locations/us-central1/functions")
problems = misfits(found, {"functionId": ["hello"]}, body)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.judges.schemas import INTEGER, INTEGERS, document, schema


@dataclass(frozen=True, slots=True)
class Call:
    """A method that a request addresses, with its path parameters. method: as its document describes it."""

    api: str
    method: Mapping[str, Any]
    path: Mapping[str, str]

    @property
    def id(self) -> str:
        """The method's id, for example `cloudfunctions.projects.locations.functions.create`."""
        found: str = self.method["id"]
        return found

    @property
    def verb(self) -> str:
        """Its last word, for example `create`."""
        return self.id.rpartition(".")[2]


def find(api: str, verb: str, path: str) -> Call | None:
    """The method of an API ("run.v1") that a request addresses; None when no method matches.

    A path parameter must have the form that the document gives it, as Google's front end routes by it.
    """
    for pattern, method in _methods(api):
        if method["httpMethod"] == verb and (match := pattern.fullmatch(path)):
            return Call(api, method, match.groupdict())
    return None


def misfits(call: Call, query: Mapping[str, Sequence[str]], body: Any) -> list[str]:
    """What in a request Google would refuse, each in words; an empty list when it fits."""
    return [*_query_misfits(call, query), *_body_misfits(call, body)]


def answer_misfits(call: Call, answer: Any) -> list[str]:
    """What in an answer does not fit the method's response schema."""
    wanted = call.method.get("response", {}).get("$ref")
    if wanted is None:
        return []
    return [f"{each.path or 'the answer'}: {each.problem}" for each in schema(call.api, wanted)(answer, "", True)]


def _query_misfits(call: Call, query: Mapping[str, Sequence[str]]) -> Iterator[str]:
    known = {**document(call.api)["parameters"], **call.method.get("parameters", {})}
    for name, values in query.items():
        parameter = known.get(name)
        if parameter is None or parameter["location"] != "query":
            yield f"unknown parameter {name}"
            continue
        if len(values) > 1 and not parameter.get("repeated"):
            yield f"parameter {name} is given {len(values)} times"
        for value in values:
            if problem := _parameter_problem(parameter, value):
                yield f"parameter {name}: {problem}"
    for name, parameter in call.method.get("parameters", {}).items():
        if parameter["location"] == "query" and is_required(parameter) and name not in query:
            yield f"missing parameter {name}"


def _parameter_problem(parameter: Mapping[str, Any], value: str) -> str:
    if "enum" in parameter and value not in parameter["enum"]:
        return f"{value!r} is not one of the known values"
    if parameter["type"] == "boolean" and value.lower() not in {"true", "false"}:
        return f"{value!r} is neither true nor false"
    if parameter["type"] == "integer":
        low, high = INTEGERS[parameter.get("format", "int64")]
        if not (INTEGER.fullmatch(value) and low <= int(value) <= high):
            return f"{value!r} is no whole number in range"
    pattern = parameter.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"{value!r} does not match {pattern}"
    return ""


def _body_misfits(call: Call, body: Any) -> Iterator[str]:
    wanted = call.method.get("request", {}).get("$ref")
    if wanted is None:
        if body not in (None, {}):
            yield f"{call.id} takes no body"
        return
    for each in schema(call.api, wanted)({} if body is None else body, "", False):
        yield f"{each.path or 'the body'}: {each.problem}"


def is_required(described: Mapping[str, Any]) -> bool:
    """Whether a parameter or field must be there; some documents say so in the description alone."""
    return bool(described.get("required")) or described.get("description", "").startswith("Required.")


@cache
def _methods(api: str) -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    found = tuple((_pattern(method), method) for method in methods(document(api)))
    # A literal path goes before one with placeholders: `functions:generateUploadUrl` is no function's name.
    return tuple(sorted(found, key=lambda each: (each[0].groups, -len(each[0].pattern))))


def methods(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every method of a discovery document, or of one of its resources, as it describes it."""
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from methods(child)


def _pattern(method: Mapping[str, Any]) -> re.Pattern[str]:
    pieces = re.split(r"\{(\+?)(\w+)\}", method["path"])
    pattern = "/" + re.escape(pieces[0])
    for plus, name, literal in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        form = method["parameters"][name].get("pattern", "").removeprefix("^").removesuffix("$")
        inner = form.replace("[^/]+", "[^/:]+") if form else ("[^:]+" if plus else "[^/]+")
        pattern += f"(?P<{name}>{inner})" + re.escape(literal)
    return re.compile(pattern)
