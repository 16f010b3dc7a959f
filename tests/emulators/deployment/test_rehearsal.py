"""The real gcloud deploys everything to a stand-in that judges each request as Google does."""

from __future__ import annotations

import pytest

from infra.deployment import deployment
from infra.rehearsal.__main__ import problems
from infra.rehearsal.services import OPEN
from infra.rehearsal.story import CHANGED, DIES_AFTER, PROXY, Rehearsal, rehearse
from infra.rehearsal.tree import PROJECT

MOVED = "the traffic of run-operation is moved"


@pytest.fixture(scope="module")
def rehearsal() -> Rehearsal:
    return rehearse()


def test_every_deployment_does_what_it_must(rehearsal):
    assert list(problems(rehearsal)) == []


@pytest.mark.fault(74)
def test_a_deployment_that_dies_is_gone_on_with_at_the_next_run_west_of_greenwich(rehearsal):
    death, rest = rehearsal.runs["death"], rehearsal.runs["rest"]
    assert (death.status, len(death.changed), rest.status) == (1, DIES_AFTER, 0)
    assert not set(death.changed) & {each for each in rest.changed if each.endswith("is created")}
    region = deployment().region
    for name in deployment().functions:
        assert (
            rehearsal.cloud.resources[f"projects/{PROJECT}/locations/{region}/functions/{name}"]["state"]
            == "ACTIVE"
        )


def test_a_run_without_a_change_changes_nothing(rehearsal):
    assert rehearsal.runs["again"].changed == ()


def test_new_code_serves_nobody_before_it_has_been_tried_and_what_serves_goes_on(rehearsal):
    deployed, shifted = rehearsal.runs["change"], rehearsal.runs["shift"]
    assert deployed.changed == (MOVED, f"{CHANGED} is changed")  # held first
    assert "run-operation is served by" in shifted.output.replace("\n", " ")
    assert shifted.changed == (MOVED,)


@pytest.mark.fault(74)
def test_a_roll_out_that_dies_before_the_shift_is_gone_on_with_at_the_next_run(rehearsal):
    assert (rehearsal.runs["cut"].status, rehearsal.runs["shift"].status) == (1, 0)


def test_a_function_goes_back_by_hand_at_once_without_a_deployment(rehearsal):
    undone = rehearsal.runs["undo"]
    assert undone.changed == (MOVED,)
    assert undone.calls < 10


def test_a_revision_that_does_not_work_is_never_given_traffic(rehearsal):
    refused = rehearsal.runs["refused"]
    assert refused.status == 1
    assert f"{CHANGED} answers 500" in refused.output
    assert "no traffic was shifted" in refused.output
    service = rehearsal.cloud.resources[f"namespaces/{PROJECT}/services/run-operation"]
    serving = [each["revisionName"] for each in service["status"]["traffic"] if each.get("percent")]
    assert not rehearsal.cloud.broken.intersection(serving)


def test_public_functions_serve_anyone_where_the_organisation_refuses_a_policy_for_everybody(rehearsal):
    assert rehearsal.cloud.public_refused
    for function in deployment().functions.values():
        service = rehearsal.cloud.resources[f"namespaces/{PROJECT}/services/{function.service}"]
        unchecked = service["metadata"]["annotations"].get(OPEN) == "True"
        assert unchecked == (function.trigger == "http-public"), function.name


def test_private_functions_are_called_by_exactly_their_callers(rehearsal):
    region = deployment().region
    for function in deployment().functions.values():
        policy = rehearsal.cloud.policies.get(
            f"projects/{PROJECT}/locations/{region}/services/{function.service}", {}
        )
        members = {member for binding in policy.get("bindings", ()) for member in binding["members"]}
        allowed = [deployment().address(caller, PROJECT) for caller in function.callers]
        allowed += [PROXY] if function.trigger == "http-iap" else []
        assert members == {f"serviceAccount:{each}" for each in allowed}, function.name


def test_the_command_that_fills_the_vault_key_adds_32_bytes(rehearsal):
    assert len(rehearsal.filled["youtube-vault-key"]) == 32
