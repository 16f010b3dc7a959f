"""What Google checks before a method sees a request: token, scopes, parameters, body.

Each check raises GoogleError in Google's words. Parameters and bodies are held against the discovery documents;
nothing here knows a particular method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request

from infra.judges.schemas import INTEGER, INTEGERS, Misfit
from infra.local.simulator import discovery
from infra.local.simulator.discovery import Method, Parameter
from infra.local.simulator.errors import GoogleError, bad_request, invalid_field
from infra.local.simulator.grants import Grant, Grants, missing_credentials
from infra.local.simulator.project import scope_missing
from infra.local.simulator.wire import parse_json

ACCOUNT_STATES: Mapping[str, tuple[str, str]] = {
    "suspended": (
        "authenticatedUserAccountSuspended",
        "The YouTube account of the authenticated user is suspended.",
    ),
    "closed": ("authenticatedUserAccountClosed", "The YouTube account of the authenticated user is closed."),
}


def bearer(request: Request, params: Mapping[str, list[str]]) -> str | None:
    """The access token that a request carries, in its header or its query."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for name in ("access_token", "oauth_token"):
        if params.get(name):
            return params[name][0]
    return None


def authenticated(grants: Grants, token: str | None, key: str | None) -> Grant:
    """Whose request it is. Raises 401, or 400 for an API key: this project has none."""
    if token is None:
        if key is not None:
            raise bad_request("API key not valid. Please pass a valid API key.")
        raise missing_credentials()
    return grants.authenticate(token)


def check_scopes(method: Method, grant: Grant) -> None:
    """Raises 403 insufficientPermissions unless the token has one of the method's scopes."""
    if method.scopes and not method.scopes & grant.scopes:
        raise scope_missing(method.id)


def check_account(method: Method, grant: Grant) -> None:
    """Raises 403 when YouTube has suspended or closed the account behind the token."""
    if grant.account.state in ACCOUNT_STATES:
        reason, message = ACCOUNT_STATES[grant.account.state]
        raise GoogleError(403, reason, message, domain=f"{method.api}.common")


def parameters(method: Method, path: Mapping[str, str], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """The request's parameters, typed. Raises 400 for unknown, missing, wrong and surplus values."""
    typed: dict[str, Any] = {}
    for name, parameter in method.parameters.items():
        values = [path[name]] if name in path else query.get(name, [])
        values = [value for value in values if value != parameter.unset]
        if parameter.repeated:
            values = [part for value in values for part in value.split(",") if part.strip()]
        if not values:
            if parameter.required:
                raise _missing(name)
            if parameter.default is not None:
                typed[name] = _typed(parameter, parameter.default)
            continue
        if parameter.repeated:
            typed[name] = [_typed(parameter, value.strip()) for value in values]
        elif len(values) > 1:
            raise _invalid(name, f"Invalid value at '{name}': the parameter was given {len(values)} times.")
        else:
            typed[name] = _typed(parameter, values[0])
    _check_surplus(method, query)
    _check_parts(method, typed)
    return typed


def _check_surplus(method: Method, query: Mapping[str, list[str]]) -> None:
    known = discovery.global_parameters()
    for name, values in query.items():
        if name in known:
            _typed(known[name], values[0])
        elif name not in method.parameters:
            raise invalid_field(
                "",
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                f"Field '{name}' could not be found in request message.",
            )


def _check_parts(method: Method, typed: Mapping[str, Any]) -> None:
    for part in typed.get("part", []) if method.parts is not None else []:
        if part not in (method.parts or ()):
            raise GoogleError(400, "unknownPart", f"'{part}'", domain="youtube.part", location="part")


def _typed(parameter: Parameter, text: str) -> Any:
    name = parameter.name
    if parameter.type == "boolean":
        if text.lower() not in {"true", "false"}:
            raise _invalid(name, f"Invalid value '{text}'. Allowed values: [true, false]")
        return text.lower() == "true"
    if parameter.type == "integer":
        return _integer(parameter, text)
    if parameter.enum is not None and text not in parameter.enum:
        raise _invalid(name, f"Invalid string value: '{text}'. Allowed values: {sorted(parameter.enum)}")
    if parameter.pattern is not None and not parameter.pattern.fullmatch(text):
        pattern = parameter.pattern.pattern
        raise _invalid(name, f"Invalid value '{text}'. Must match the following regular expression: '{pattern}'")
    return text


def _integer(parameter: Parameter, text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise _invalid(parameter.name, f"Invalid value '{text}'. It is not a whole number.")
    number = int(text)
    lowest, highest = INTEGERS[parameter.format or "int64"]
    low = lowest if parameter.minimum is None else parameter.minimum
    high = highest if parameter.maximum is None else parameter.maximum
    if not low <= number <= high:
        raise _invalid(parameter.name, f"Invalid value '{text}'. Values must be within the range: [{low}, {high}]")
    return number


def _invalid(name: str, message: str) -> GoogleError:
    return GoogleError(400, "invalidParameter", message, location=name)


def _missing(name: str) -> GoogleError:
    message = f"The request is missing a required parameter: {name}."
    return GoogleError(400, "missingRequiredParameter", message, domain="youtube.parameter", location=name)


def json_body(method: Method, raw: bytes, content_type: str) -> dict[str, Any] | None:
    """The request's message, or None without one. Raises 400 when it is no JSON or does not fit the schema."""
    if method.request is None or not raw.strip():
        return None
    if content_type.split(";", maxsplit=1)[0].strip().lower() not in {"application/json", ""}:
        raise bad_request(f"Invalid content type for a JSON message: {content_type!r}")
    try:
        body = _without_nulls(parse_json(raw))
    except ValueError:
        raise GoogleError(400, "parseError", "Parse Error") from None
    misfits = discovery.request_misfits(method, body)
    if misfits:
        raise _misfit(misfits)
    assert isinstance(body, dict)
    return body


def _without_nulls(value: Any) -> Any:
    """The message without its nulls: to Google's parser a null field is one that was not sent."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _misfit(misfits: Iterable[Misfit]) -> GoogleError:
    first = next(iter(misfits))
    parent, _, name = first.path.rpartition(".")
    if first.unknown:
        place = f" at '{parent}'" if parent else ""
        message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    else:
        message = f"Invalid value at '{first.path}': {first.problem}"
    return invalid_field(first.path, message)
