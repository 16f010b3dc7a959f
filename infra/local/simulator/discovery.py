"""What Google's discovery documents say, compiled once.

The documents ship with google-api-python-client and are the one machine-readable truth about these APIs: paths,
verbs, parameters, scopes, request and response schemas. Some constraints stand only in a parameter's description
("Required.", `required: true`, `pattern: ...`, `minValue: 1`); they are read from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.judges.schemas import Misfit, document, schema
from infra.local.simulator.errors import Shape

DOCUMENTS: Mapping[str, Shape] = {
    "youtube.v3": Shape.DATA,
    "youtubeAnalytics.v2": Shape.DATA,
    "youtubereporting.v1": Shape.REPORTING,
}
NOT_PARTS = frozenset({"kind", "etag", "conversionPings"})
UPLOAD_PREFIXES = ("/upload/", "/resumable/upload/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a method. minimum and maximum are inclusive. unset: a text that is taken as absent."""

    name: str
    location: str
    type: str
    format: str | None = None
    repeated: bool = False
    required: bool = False
    pattern: re.Pattern[str] | None = None
    enum: frozenset[str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    default: str | None = None
    unset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of one API, for example `youtube.videos.list`.

    parts: what `part` may name, or None when nothing says so. accept and max_size: of its media
    upload, empty and 0 without one.
    """

    id: str
    document: str
    shape: Shape
    verb: str
    path: re.Pattern[str]
    upload_paths: frozenset[str]
    parameters: Mapping[str, Parameter]
    scopes: frozenset[str]
    request: str | None
    response: str | None
    parts: frozenset[str] | None
    media_download: bool
    accept: tuple[str, ...]
    max_size: int

    @property
    def api(self) -> str:
        """`youtube`, `youtubeAnalytics` or `youtubereporting`."""
        return self.id.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Match:
    """A method found for a request: its path parameters, and whether it came in by an upload path."""

    method: Method
    path_params: Mapping[str, str]
    upload: bool = False


@cache
def methods() -> Mapping[str, Method]:
    """Every method of the three APIs by its discovery id."""
    return {
        method.id: method for name, shape in DOCUMENTS.items() for method in _methods(name, shape, document(name))
    }


@cache
def scopes() -> frozenset[str]:
    """Every OAuth scope that the three APIs know."""
    return frozenset(scope for name in DOCUMENTS for scope in document(name)["auth"]["oauth2"]["scopes"])


@cache
def global_parameters() -> Mapping[str, Parameter]:
    """Parameters that every method takes (`alt`, `fields`, `key`...), the same in the three documents."""
    described = document("youtube.v3")["parameters"]
    return {name: _parameter(name, item) for name, item in described.items()}


def find(verb: str, path: str) -> Match | None:
    """The method that a request addresses, or None. `path` starts with a slash."""
    for prefix in UPLOAD_PREFIXES:
        if path.startswith(prefix):
            method = _by_upload_path().get((verb, path))
            return Match(method, {}, upload=True) if method else None
    exact, patterns = _by_path()
    if method := exact.get((verb, path)):
        return Match(method, {})
    for candidate in patterns:
        if candidate.verb == verb and (found := candidate.path.fullmatch(path)):
            return Match(candidate, found.groupdict())
    return None


@cache
def _by_upload_path() -> Mapping[tuple[str, str], Method]:
    return {(method.verb, path): method for method in methods().values() for path in method.upload_paths}


@cache
def _by_path() -> tuple[Mapping[tuple[str, str], Method], tuple[Method, ...]]:
    exact: dict[tuple[str, str], Method] = {}
    patterns: list[Method] = []
    for method in methods().values():
        if method.path.groups:
            patterns.append(method)
        else:
            exact[method.verb, re.sub(r"\\(.)", r"\1", method.path.pattern)] = method
    return exact, tuple(patterns)


def _methods(name: str, shape: Shape, node: Mapping[str, Any]) -> Iterator[Method]:
    for raw in node.get("methods", {}).values():
        yield _method(name, shape, raw)
    for child in node.get("resources", {}).values():
        yield from _methods(name, shape, child)


def _method(name: str, shape: Shape, raw: Mapping[str, Any]) -> Method:
    parameters = {key: _parameter(key, item) for key, item in raw.get("parameters", {}).items()}
    media = raw.get("mediaUpload", {})
    request = raw.get("request", {}).get("$ref")
    response = raw.get("response", {}).get("$ref")
    return Method(
        id=raw["id"],
        document=name,
        shape=shape,
        verb=raw["httpMethod"],
        path=_path_pattern(raw["path"], parameters),
        upload_paths=frozenset(item["path"] for item in media.get("protocols", {}).values()),
        parameters=parameters,
        scopes=frozenset(raw.get("scopes", ())),
        request=request,
        response=response,
        parts=_parts(name, request, response) if "part" in parameters else None,
        media_download=bool(raw.get("supportsMediaDownload")),
        accept=tuple(media.get("accept", ())),
        max_size=int(media.get("maxSize", 0)),
    )


def _path_pattern(template: str, parameters: Mapping[str, Parameter]) -> re.Pattern[str]:
    pieces = re.split(r"\{(\+?)(\w+)\}", template)
    pattern = "/" + re.escape(pieces[0])
    for plus, name, literal in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        assert name in parameters
        pattern += f"(?P<{name}>{'.+' if plus else '[^/]+'})" + re.escape(literal)
    return re.compile(pattern)


def _parts(name: str, request: str | None, response: str | None) -> frozenset[str] | None:
    """The parts of the resource: what the request carries, or what the answer lists."""
    schema = request or response
    if schema is None:
        return None
    schemas = document(name)["schemas"]
    resource = schemas[schema]
    items = resource.get("properties", {}).get("items")
    if request is None and items is not None:
        resource = schemas[items["items"]["$ref"]]
    return frozenset(resource.get("properties", {})) - NOT_PARTS


_DESCRIBED_PATTERN = re.compile(r"pattern: \"?([^\"'\s]+)")


def _parameter(name: str, raw: Mapping[str, Any]) -> Parameter:
    described = raw.get("description", "")
    pattern = raw.get("pattern")
    if pattern is None and (found := _DESCRIBED_PATTERN.search(described)):
        pattern = found.group(1)
    minimum = raw.get("minimum") or ("1" if "minValue: 1" in described else None)
    required = raw.get("required", False) or described.startswith("Required.") or "required: true" in described
    return Parameter(
        name=name,
        location=raw["location"],
        type=raw["type"],
        format=raw.get("format"),
        repeated=raw.get("repeated", False),
        required=required,
        pattern=re.compile(pattern) if pattern else None,
        enum=frozenset(raw["enum"]) if "enum" in raw else None,
        minimum=int(minimum) if minimum else None,
        maximum=int(raw["maximum"]) if "maximum" in raw else None,
        default=raw.get("default"),
        unset=None if required else _unset(raw, pattern, minimum),
    )


def _unset(raw: Mapping[str, Any], pattern: str | None, minimum: str | None) -> str | None:
    """The zero value of an optional field whose constraint stands in its description alone: held to be absent.

    Clients in the field send `sort=` and `maxResults=0` to the Analytics API, which is the one that describes so.
    """
    if minimum and "minimum" not in raw:
        return "0"
    return "" if pattern and "pattern" not in raw else None


def response_errors(method_id: str, payload: Any) -> list[str]:
    """What in an answer does not fit the method's response schema; an empty list when all does."""
    method = methods()[method_id]
    if method.response is None:
        return [] if payload in (None, {}) else [f"{method_id} answers nothing, not {payload!r}"]
    check = schema(method.document, method.response)
    return [f"{misfit.path or 'the answer'}: {misfit.problem}" for misfit in check(payload, "", True)]


def unknown_field(method: Method, mask: Mapping[str, Any]) -> str | None:
    """The first field of a mask that no answer of the method can have; None when all are known."""
    if method.response is None:
        return next(iter(mask), None)
    schemas = document(method.document)["schemas"]
    return next(_unknown_fields(schemas, {"$ref": method.response}, mask), None)


def _unknown_fields(schemas: Mapping[str, Any], node: Mapping[str, Any], mask: Mapping[str, Any]) -> Iterator[str]:
    while "$ref" in node or "items" in node:
        node = schemas[node["$ref"]] if "$ref" in node else node["items"]
    known = node.get("properties", {})
    for name, inner in mask.items():
        if name == "*":
            continue
        field = known.get(name, node.get("additionalProperties"))
        if field is None:
            yield name
        else:
            yield from _unknown_fields(schemas, field, inner)


def request_misfits(method: Method, body: Any) -> list[Misfit]:
    """What in a request's body does not fit the method's request schema."""
    if method.request is None:
        return []
    return list(schema(method.document, method.request)(body, "", False))
