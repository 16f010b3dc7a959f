"""Whatever is sent to the HTTP interfaces is answered as described, and never with a 5xx."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from infra.deployment import ROOT
from infra.local.demo.connect import connect, people
from infra.local.stack import Stack

DESCRIBED: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "docs" / "openapi.yaml").read_text())
EXAMPLES = {"console": 6}  # of each operation by its tag: half as described, half not quite
USUAL_EXAMPLES = 20
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OPERATIONS = [
    (method.upper(), path)
    for path, item in DESCRIBED["paths"].items()
    for method in item
    if method in {"get", "post"}
]
OPERATIONS.sort(key=lambda operation: operation[1].endswith("disconnect"))  # which leaves nothing to publish to


@dataclass(frozen=True)
class Api:
    """The interfaces at their addresses, with ids that exist. bearer: by the tag of an operation."""

    schema: Any
    bearer: Mapping[str, str]
    origin: str


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    """The running functions, for one user with a connected channel and an operation that has ended."""
    person = people(stack, users=2)[1]
    backend = stack.service_token("app-backend", "publish")
    with httpx.Client(timeout=60, trust_env=False) as http:
        assert connect(stack, http, person, person.channels[0]) is None
        body = {"idempotency_key": "k", "channel_id": person.channels[0], "playlist": {"title": "Fuzzed"}}
        headers = {"Authorization": f"Bearer {backend}"}
        submitted = http.post(stack.url("publish"), json=body, headers=headers).raise_for_status().json()
    described = copy.deepcopy(DESCRIBED)
    schemas = described["components"]["schemas"]
    schemas["ChannelId"] = {"enum": [person.channels[0], "UC" + "z" * 22]}
    for named in ("Command", "ConsoleRetry"):
        schemas[named]["properties"]["operation"] = {"enum": [submitted["operation"]["id"], "op-" + "0" * 24]}
    return Api(
        schema=schemathesis.openapi.from_dict(described),
        bearer={
            "publishing": backend,
            "numbers": stack.service_token("app-backend", "channel_data"),
            "consent": stack.user_token(person.user),
        },
        origin=stack.url("gateway"),
    )


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_sent_is_answered_as_described(stack: Stack, api: Api, method: str, path: str):
    operation = api.schema[path][method]
    (tag,) = operation.tags
    base = stack.url("publish").rpartition("/")[0] if tag in {"publishing", "numbers"} else api.origin
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
    headers = {"Origin": api.origin}
    if tag in api.bearer:
        headers["Authorization"] = f"Bearer {api.bearer[tag]}"

    @settings(
        max_examples=EXAMPLES.get(tag, USUAL_EXAMPLES),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def answered(case: schemathesis.Case) -> None:
        answer = case.call(base_url=base, headers=headers, allow_redirects=False, timeout=60)
        case.validate_response(answer, checks=CHECKS)

    answered()
