"""Roll-out: which revision serves, which is tried first, and the questions that tell whether a function works."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import deploy, rollout, smoke, traffic
from infra.deployment import deployment
from infra.smoke import NO_CHANNEL, Question

PLACE = ("--project=proj",)
BALANCED = {"YT_IAP_AUDIENCE": "/projects/1/global/backendServices/2", "YT_API_URL": "https://api.example.com"}
ALONE = {"YT_IAP_AUDIENCE": "/projects/1/locations/us-central1/services/console"}


def told(
    name: str = "webhook",
    wanted: list[dict[str, Any]] | None = None,
    actual: list[dict[str, Any]] | None = None,
    newest: str = "w-2",
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "annotations": {}},
        "spec": {"traffic": wanted or [{"percent": 100, "latestRevision": True}]},
        "status": {
            "latestReadyRevisionName": newest,
            "url": f"https://{name}",
            "traffic": actual or [{"percent": 100, "revisionName": newest, "latestRevision": True}],
        },
    }


def service(**given: Any) -> traffic.Service:
    [found] = traffic.parsed([told(**given)]).values()
    return found


def held(**given: Any) -> traffic.Service:
    old = {"percent": 100, "revisionName": "w-1"}
    tagged = {"tag": "next", "revisionName": "w-2", "latestRevision": True, "url": "https://next---webhook"}
    return service(wanted=[old, {"tag": "next", "latestRevision": True}], actual=[old, tagged], **given)


def target(values: dict[str, str]) -> deploy.Target:
    return deploy.Target(project="proj", declared=deployment(), settings=deploy.ROOT, values=values)


def test_a_service_that_takes_every_new_revision_is_not_held():
    assert service().floats
    assert service().serving == {"w-2": 100}


def test_a_held_service_serves_the_old_revision_and_shows_the_new_one_at_an_address_of_its_own():
    assert held().waiting
    assert (held().serving, held().newest, held().next_url) == ({"w-1": 100}, "w-2", "https://next---webhook")


def test_a_split_that_somebody_made_is_held_as_it_is():
    split = [{"percent": 60, "revisionName": "w-1"}, {"percent": 40, "revisionName": "w-2"}]
    found = service(wanted=split, actual=split)
    assert found.waiting
    assert "--to-revisions=w-1=60,w-2=40" in traffic.hold(found, PLACE).command


def test_a_new_service_without_any_revision_is_not_held():
    assert traffic.parsed([{"metadata": {"name": "webhook"}}])["webhook"].floats


@pytest.mark.parametrize(("value", "open_to_all"), [("True", True), ("true", True), ("False", False)])
def test_a_service_whose_invoker_check_is_off_is_told_by_its_annotation(value, open_to_all):
    described = told()
    described["metadata"]["annotations"] = {traffic.UNCHECKED: value}
    assert traffic.parsed([described])["webhook"].unchecked == open_to_all


def test_only_what_is_held_is_rolled_out():
    found = {"webhook": held(), "publish": service(name="publish")}
    assert list(rollout.waiting(target(ALONE), found)) == ["webhook"]


def revision(name: str, made: str, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": made},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_the_revision_before_is_the_newest_ready_one_that_is_older_than_what_serves():
    listed = [
        revision("w-3", "2026-03"),
        revision("w-2", "2026-02"),
        revision("w-1b", "2026-01-15", ready="False"),
        revision("w-1", "2026-01"),
        revision("w-0", "2025-12"),
    ]
    assert traffic.before(service(newest="w-2"), listed) == "w-1"
    assert traffic.before(service(newest="w-0"), listed) == ""


def test_behind_a_load_balancer_a_public_function_is_tried_through_it_and_so_after_the_shift():
    where = target(BALANCED)
    functions = deployment().functions
    assert {name for name, each in functions.items() if not where.direct(each)} == {
        name for name, each in functions.items() if each.paths
    }
    assert all(target(ALONE).direct(each) for each in functions.values())
    place = smoke.places(where, {"webhook": service()})["webhook"]
    assert (place.url, place.audience) == ("https://api.example.com", "https://webhook")


def test_before_there_is_a_front_only_what_is_reached_without_one_is_asked():
    found = {"webhook": service(), "publish": service(name="publish"), "console": service(name="console")}
    assert list(smoke.places(target({}), found)) == ["publish"]


def test_a_token_for_a_tagged_address_is_made_out_to_the_service():
    [place] = smoke.places(target(ALONE), {"webhook": held()}, new=True).values()
    assert (place.url, place.audience) == ("https://next---webhook", "https://webhook")


def test_every_function_has_its_question_at_one_of_its_addresses():
    assert smoke.questions().keys() == deployment().functions.keys()
    for name, question in smoke.questions().items():
        paths = [path.partition("{")[0] for path in deployment().functions[name].paths]
        assert any(question.path.startswith(path) for path in paths) if paths else not question.path, name


def test_no_question_asks_for_what_changes_anything():
    """A question is about nothing that exists, reads only, or is refused."""
    for name, question in smoke.questions().items():
        about = json.dumps(question.body)
        assert question.method == "GET" or question.status >= 400 or NO_CHANNEL in about or '"list"' in about, name


def answer(reason: str) -> bytes:
    return json.dumps({"error": {"code": 404, "reason": reason, "message": "m"}}).encode()


ASKED = Question(
    method="POST", status=404, reason="notConnected", connected=200, shows="", body={"c": "{channel}"}
)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (404, answer("notConnected"), ""),
        (404, answer("notFound"), "answers notFound, not notConnected"),
        (404, b"<html>Google's front end", "answers no reason, not notConnected"),
        (500, answer("internal"), "answers 500 (internal), not 404"),
        (403, b"", "answers 403, not 404"),
        (404, b"[]", "answers no reason, not notConnected"),
    ],
)
def test_an_answer_is_right_by_its_status_and_its_reason(status, body, problem):
    assert ASKED.problem(status, body) == problem


def test_a_connected_channel_is_asked_about_itself_and_answers_otherwise():
    assert ASKED.about("").body == {"c": NO_CHANNEL}
    channel = ASKED.about("UC0123456789012345678901")
    assert channel.body == {"c": "UC0123456789012345678901"}
    assert channel.problem(200, b"{}") == ""
    assert channel.problem(404, answer("notConnected")) != ""


def test_nobody_gets_into_the_console_without_signing_in():
    console = smoke.questions()["console"]
    assert [console.problem(status, b"") for status in (302, 401)] == ["", ""]
    assert console.problem(200, b"{}") == "answers 200 to somebody who has not signed in"
    assert console.problem(200, b"{}", signed_in=True) == ""
