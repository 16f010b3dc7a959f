"""The real gcloud looks at a stand-in for a project, whole and with everything amiss that can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import deploy, doctor
from infra.deployment import ROOT, deployment
from infra.doctor import MISSING, QUESTION, UNKNOWN
from infra.rehearsal import standing

PROJECT = "rehearsal-project"
VALUES = {
    "GOOGLE_CLOUD_PROJECT": PROJECT,
    "YT_APP_URL": "https://app.example.com",
    "YT_API_URL": "https://api.example.com",
    "YT_ID_TOKEN_ISSUER": "https://issuer.example.com",
    "YT_ID_TOKEN_AUDIENCE": "a",
    "YT_ID_TOKEN_KEYS_URL": "https://issuer.example.com/keys",
    "YT_IAP_AUDIENCE": f"/projects/{standing.NUMBER}/locations/us-central1/services/console",
    "YT_CALLBACK_URL": "https://app.example.com/told",
}
BALANCED = {"YT_IAP_AUDIENCE": f"/projects/{standing.NUMBER}/global/backendServices/42"}
Examined = Callable[..., list[doctor.Finding]]


TOLD: dict[str, Any] = {}
ACTS = standing.acts(TOLD)


@pytest.fixture(scope="module")
def examined(place: SimpleNamespace) -> Iterator[Examined]:
    """Look at a project that answers so, under such settings."""

    def look(answers: dict[str, Any], **settings: str) -> list[doctor.Finding]:
        TOLD.clear()
        TOLD.update(answers)
        values = {**VALUES, **settings}
        target = deploy.Target(
            project=PROJECT, declared=deployment(), settings=Path("settings.yaml"), values=values
        )
        return doctor.examine(doctor.Patient(target))

    yield look
    refusals = place.cloud.refusals
    assert [each for each in refusals if "none of Google's" in each or "stand-in failed" in each] == []


def of(state: str, findings: list[doctor.Finding]) -> list[str]:
    return [each.what for each in findings if each.state == state]


@pytest.mark.parametrize("front", [{}, BALANCED], ids=["cloud-run", "load-balancer"])
def test_of_a_whole_project_nothing_is_missing_and_what_no_api_tells_is_asked(examined, front):
    found = examined(standing.answers(PROJECT), **front)
    assert [*of(MISSING, found), *of(UNKNOWN, found)] == []
    asked = " ".join(of(QUESTION, found))
    for words in ("redirect URIs", "In production", "100", "7 days", "audit", "Search Console"):
        assert words in asked
    assert all(each.address for each in found if each.state == QUESTION)


def spoilt() -> dict[str, Any]:
    """A project in which something of every kind is amiss."""
    told = standing.answers(PROJECT)
    told["cloudbilling.projects.getBillingInfo"] = {"billingEnabled": False}
    del told["serviceusage.services.list"]["services"][0]
    told["serviceusage.services.consumerQuotaMetrics.list"]["metrics"][0]["consumerQuotaLimits"][0][
        "quotaBuckets"
    ] = [{"effectiveLimit": "0"}]
    del told["iam.projects.serviceAccounts.list"]["accounts"][0]
    policy = told["cloudresourcemanager.projects.getIamPolicy"]["bindings"]
    policy[0]["members"].pop(0)
    policy.append({"role": "roles/viewer", "members": ["allAuthenticatedUsers"]})
    told["secretmanager.projects.secrets.versions.list youtube-hub-key"]["versions"][0]["state"] = "DISABLED"
    told["secretmanager.projects.secrets.versions.access youtube-vault-key"]["payload"]["data"] = "c2hvcnQ="
    told["secretmanager.projects.secrets.getIamPolicy app-callback-secret"] = {"etag": "ACAB"}
    told["firestore.projects.databases.get"]["type"] = "DATASTORE_MODE"
    told["bigquery.datasets.get"]["location"] = "EU"
    del told["cloudtasks.projects.locations.queues.list"]["queues"][0]
    told["cloudtasks.projects.locations.queues.list"]["queues"][0]["state"] = "PAUSED"
    told["cloudscheduler.projects.locations.jobs.list"]["jobs"][0]["timeZone"] = "Europe/Berlin"
    told["cloudscheduler.projects.locations.jobs.list"]["jobs"][1]["state"] = "PAUSED"
    services = told["run.namespaces.services.list"]["items"]
    services[0] = standing.service("oauth_start", revisionName="r-1")
    services[1]["metadata"]["annotations"] = {}
    told["run.namespaces.services.get console"]["metadata"]["annotations"] = {}
    return told


def test_everything_that_is_amiss_is_named_in_words_with_what_mends_it(examined):
    found = examined(spoilt(), YT_OAUTH_PUBLISHING="testing", YT_IAP_AUDIENCE="/projects/1/locations/x/services/y")
    declared = deployment()
    first = {kind: next(iter(getattr(declared, kind))) for kind in ("service_accounts", "queues", "schedules")}
    second = {kind: list(getattr(declared, kind))[1] for kind in ("queues", "schedules")}
    for words in (
        *("No billing account", "The API artifactregistry", f"The service account {first['service_accounts']}"),
        *("run-oauth-start lacks roles/datastore.user", "Anybody has roles/viewer"),
        *("youtube-hub-key has no version that is enabled", "youtube-vault-key is not of its form"),
        *("run-run-operation may not read the secret app-callback-secret", "DATASTORE_MODE"),
        *("is in EU, not in US", f"The queue {first['queues']}", f"{first['schedules']} runs at"),
        *(
            f"The schedule {second['schedules']} does not run: PAUSED",
            f"The queue {second['queues']} does not run",
        ),
        *("oauth_start has a revision that serves nobody yet"),
        *("Nobody without a Google identity may call oauth_callback", "No proxy guards the console"),
        *("YT_IAP_AUDIENCE is /projects/1", "YouTube grants 0 units", "dies after 7 days"),
    ):
        assert any(words in what for what in of(MISSING, found)), words
    assert of(UNKNOWN, found) == []


def test_what_could_not_be_looked_up_is_said_and_keeps_nothing_else_from_being_looked_at(examined):
    told = standing.answers(PROJECT)
    del told["cloudbilling.projects.getBillingInfo"]
    del told["secretmanager.projects.secrets.versions.access youtube-vault-key"]
    found = examined(told)
    [unknown] = of(UNKNOWN, found)
    assert unknown.startswith("Whether anybody pays could not be looked up")
    assert any("You may not read the secret youtube-vault-key" in what for what in of(QUESTION, found))
    assert any("queues are there" in each.what for each in found)


def test_no_secret_is_shown(examined):
    shown = "\n".join(map(str, examined(standing.answers(PROJECT))))
    assert "shown-to-nobody" not in shown
    assert standing.CONTENTS["youtube-hub-key"].decode() not in shown


def test_without_right_settings_what_does_not_need_them_is_looked_at_still(examined):
    found = examined(standing.answers(PROJECT), YT_APP_URL="")
    assert any("YT_APP_URL is missing" in what for what in of(MISSING, found))
    assert any("Billing is on" in each.what for each in found)


def test_words_stand_for_everything_that_is_looked_at_and_for_nothing_else():
    code = (ROOT / "infra" / "doctor.py").read_text()
    used = re.findall(r'patient\.(?:judged|each)\(\s*"([^"]+)"', code)
    assert set(used) == doctor.words().keys()
