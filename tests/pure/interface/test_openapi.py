"""The description of the HTTP interfaces is the code's: its addresses, methods, fields and answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import functions_framework
import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.routing import compile_path

from infra.deployment import ROOT, deployment
from shared import errors
from shared.access import receipts
from shared.access.requests import start_request
from shared.collection import numbers
from shared.errors import InvalidRequest, YtempireError
from shared.publishing import requests
from shared.publishing.api import command, listing, planned
from shared.publishing.operation import Event, Operation, State
from shared.publishing.plan import STEPS, intents
from shared.publishing.submissions import Quote, operation_id
from shared.quota.quotes import Later, Part, Work
from shared.quota.quotes import Quote as Estimate

DOCUMENT = ROOT / "infra" / "docs" / "openapi.yaml"
DESCRIBED: Mapping[str, Any] = yaml.safe_load(DOCUMENT.read_text())
SCHEMAS: Mapping[str, Any] = DESCRIBED["components"]["schemas"]
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CHANNEL = "UC" + "a" * 22
BACKEND = "app-backend"


def functions() -> dict[str, str]:
    """Every described path with the function that answers it."""
    declared = [each for each in deployment().functions.values() if each.trigger != "pubsub"]
    found = {}
    for path in DESCRIBED["paths"]:
        plain = path.replace("{", "").replace("}", "")
        for each in declared:
            own = [f"/{each.name}"] if BACKEND in each.callers else []
            if any(compile_path(pattern)[0].match(plain) for pattern in [*each.paths, *own]):
                found[path] = each.name
    return found


def test_the_description_is_openapi():
    validate(DESCRIBED)


def test_the_readme_leads_to_the_description():
    assert "(infra/docs/openapi.yaml)" in (ROOT / "README.md").read_text()


def test_every_address_that_people_hubs_or_the_backend_reach_is_described_and_no_other():
    assert functions().keys() == DESCRIBED["paths"].keys()
    plain = [path.replace("{", "").replace("}", "") for path in DESCRIBED["paths"]]
    for each in deployment().functions.values():
        for pattern in each.paths:
            assert any(compile_path(pattern)[0].match(path) for path in plain), pattern
        if BACKEND in each.callers:
            assert f"/{each.name}" in plain


@pytest.mark.parametrize("path", [path for path in DESCRIBED["paths"] if not path.endswith("{channel}")])
def test_a_method_that_is_not_described_is_refused_with_those_that_are(path):
    name = functions()[path]
    client = functions_framework.create_app(name, str(ROOT / f"functions/{name}/main.py")).test_client()
    described = {method.upper() for method in DESCRIBED["paths"][path]} & METHODS
    for method in sorted(METHODS - described):
        answer = client.open(path.replace("{", "").replace("}", ""), method=method)
        allowed = set(answer.headers.get("Allow", "").split(", "))
        assert (answer.status_code, allowed - {"HEAD"}) == (405, described), method
        holds("Error", answer.get_json())


def known(read: Callable[[], object]) -> set[str]:
    """The fields that a reader knows, as it names them when it is given another one."""
    with pytest.raises(InvalidRequest) as refused:
        read()
    return set(refused.value.message.rpartition("known are ")[2].rstrip(".").split(", "))


def submitted(**work: Any) -> Callable[[], object]:
    return lambda: requests.parse({"idempotency_key": "k", "channel_id": CHANNEL, **work}, now=NOW)


def read_by(function: str) -> set[str]:
    """The fields that a function's own handler reads: what it names to `Fields`."""
    tree = ast.parse((ROOT / f"functions/{function}/main.py").read_text())
    (call,) = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fields"
    ]
    return {ast.literal_eval(name) for name in call.args[1:]}


VIDEO = {"title": "A film", "made_for_kids": False}
READERS: Mapping[str, Callable[[], set[str]]] = {
    "Start": lambda: known(lambda: start_request("user", {"odd": 1}, None)),  # type: ignore[arg-type]
    "StartForm": lambda: {"id_token", *known(lambda: start_request("user", {"odd": 1}, None))},  # type: ignore[arg-type]
    "Disconnect": lambda: read_by("oauth_disconnect"),
    "ConsoleRetry": lambda: read_by("console"),
    "SignIn": lambda: read_by("mine"),
    "Submission": lambda: {"quote", *known(submitted(odd=1))},
    "Source": lambda: known(submitted(upload={**VIDEO, "source": {"odd": 1}})),
    "Upload": lambda: known(submitted(upload={"odd": 1})),
    "Thumbnail": lambda: known(submitted(thumbnail={"odd": 1})),
    "Update": lambda: known(submitted(update={"odd": 1})),
    "Playlist": lambda: known(submitted(playlist={"odd": 1})),
    "PlaylistItem": lambda: known(submitted(playlist_item={"odd": 1})),
    "Caption": lambda: known(submitted(caption={"odd": 1})),
    "CaptionDelete": lambda: known(submitted(caption_delete={"odd": 1})),
    "Delete": lambda: known(submitted(delete={"odd": 1})),
    "Release": lambda: known(submitted(release={"odd": 1})),
    "NumbersAsked": lambda: known(lambda: numbers.asked_for({"odd": 1}, NOW)),
    "Command": lambda: known(lambda: command({"odd": 1})),
    "Listing": lambda: known(lambda: listing({"odd": 1})),
    "Plan": lambda: known(lambda: intents({"odd": 1})),
    "Intent": lambda: known(lambda: intents({"work": [{"odd": 1}]})),
}


@pytest.mark.parametrize("schema", READERS)
def test_a_request_has_exactly_the_fields_that_are_read(schema):
    assert set(SCHEMAS[schema]["properties"]) == READERS[schema]()
    assert SCHEMAS[schema]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("words", "described"),
    [
        (set(requests.KINDS), SCHEMAS["Operation"]["properties"]["kind"]),
        (set(requests.KINDS), {"enum": [one["required"][0] for one in SCHEMAS["Submission"]["oneOf"]]}),
        (set(requests.PRIVACIES), SCHEMAS["Privacy"]),
        ({state.value for state in State}, SCHEMAS["OperationState"]),
        (set().union(*numbers.NUMBERS.values()), SCHEMAS["NumberName"]),
        (set(STEPS), SCHEMAS["Intent"]["properties"]["do"]["items"]),
    ],
)
def test_a_word_is_described_where_it_is_taken(words, described):
    assert words == set(described["enum"])


def holds(schema: str, answer: object) -> None:
    """An answer is as its schema says, to the last field."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DESCRIBED["components"]}
    Draft202012Validator(whole).validate(answer)


OPERATION = Operation(
    id=operation_id(CHANNEL, "k"), fingerprint="f", channel_id=CHANNEL, user_id="u", kind="upload", work={},
    steps=("transfer",), state=State.WAITING, created_at=NOW, updated_at=NOW, due_at=None,
    results={"video_id": "v", "began": NOW}, upload={"acknowledged": 1, "size": 2}, retries={"busy": 1},
    history=(Event(NOW, State.QUEUED, "transfer", "submitted", ""),),
)  # fmt: skip
PART = Part(
    work=Work(calls={"youtube.videos.insert": 1}, times=2),
    costs={"uploads": 2},
    now=1,
    later=(Later(times=1, at=None, bucket="uploads", reason="bucketSpent", why="too little is left"),),
)
INTENTS = intents({"action": "plan", "work": [{"channel_id": CHANNEL, "do": ["upload"], "times": 2}]})
RECEIPT = receipts.Receipt(
    receipt_id="0" * 24, channel_id=CHANNEL, user_id="u", by="user", requested_at=NOW, expires_at=NOW,
    steps={"grants": {"at": NOW, "count": 1}, "rows": {"at": NOW, "count": None}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ("Operation", OPERATION.as_json()),
        ("PublishAnswer", {"operations": [OPERATION.as_json()], "next_page": None}),
        ("Quote", Quote({"uploads": 1}, NOW, "").as_json()),
        ("Planned", planned(INTENTS, Estimate(costs={"uploads": 2}, left={}, parts=(PART,), message="."))),
        ("Receipt", RECEIPT.as_json()),
    ],
)
def test_an_answer_has_exactly_the_fields_that_are_described(schema, answer):
    holds(schema, answer)
    if schema != "PublishAnswer":
        assert set(answer) == set(SCHEMAS[schema]["properties"])


KINDS_OF_ERROR = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, YtempireError)
]


@pytest.mark.parametrize("kind", KINDS_OF_ERROR)
def test_every_error_has_the_one_shape(kind):
    error = kind("It does not work.")
    error.retry_at = NOW + timedelta(hours=1)
    holds("Error", error.as_json())


def test_every_status_that_is_described_is_one_that_is_answered():
    codes = {kind.code for kind in KINDS_OF_ERROR}
    for path, item in DESCRIBED["paths"].items():
        for method in METHODS & {name.upper() for name in item}:
            statuses = {int(status) for status in item[method.lower()]["responses"]}
            assert {status for status in statuses if status >= 400} <= codes, (path, method)


def test_every_reference_leads_to_a_part_and_every_part_is_referred_to():
    named = set(re.findall(r'"#/components/(\w+/\w+)"', DOCUMENT.read_text()))
    parts = {f"{kind}/{name}" for kind, group in DESCRIBED["components"].items() for name in group}
    assert named == {part for part in parts if not part.startswith("securitySchemes/")}
