"""The real gcloud deploys everything to a stand-in that judges each request as Google does."""

from __future__ import annotations

import pytest

from infra.deployment import deployment
from infra.rehearsal.__main__ import problems
from infra.rehearsal.services import OPEN
from infra.rehearsal.story import CHANGED, DIES_AFTER, Rehearsal, rehearse
from infra.rehearsal.tree import PROJECT


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


@pytest.mark.parametrize("name", ["change", "back"])
def test_a_changed_function_and_its_roll_back_are_one_change_each(rehearsal, name):
    assert rehearsal.runs[name].changed == (f"{CHANGED} is changed",)


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
        assert members == {
            f"serviceAccount:{deployment().address(caller, PROJECT)}" for caller in function.callers
        }, function.name


def test_the_command_that_fills_the_vault_key_adds_32_bytes(rehearsal):
    assert len(rehearsal.filled["youtube-vault-key"]) == 32
