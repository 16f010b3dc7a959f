"""A project as Terraform and people would have left it, for commands that only look: what each method answers.

Answers are by method, or by method and the last part of the path where there are several. A test takes away or
changes one, and so plants an omission.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from infra.deployment import deployment
from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, missing
from infra.rehearsal.services import OPEN

NUMBER = "123456789012"
APIS = (
    *("artifactregistry", "bigquery", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler"),
    *("cloudtasks", "compute", "firestore", "iam", "iap", "logging", "monitoring", "pubsub", "run"),
    *("secretmanager", "storage", "youtube", "youtubeanalytics", "youtubereporting"),
)
_KEY = base64.b64encode(bytes(32))
CONTENTS: Mapping[str, bytes] = {
    "youtube-oauth-client": json.dumps(
        {"client_id": f"{NUMBER}-a.apps.googleusercontent.com", "client_secret": "shown-to-nobody"}
    ).encode(),
    "youtube-vault-key": bytes(32),
    "youtube-hub-key": _KEY,
    "app-callback-secret": b"whsec_" + _KEY,
}


def answers(project: str) -> dict[str, Any]:
    """What every method answers, by its id, and its path's last part after a space where there are several."""
    declared = deployment()
    place = f"projects/{project}/locations/{declared.region}"
    functions = declared.functions.values()
    email = f"{{}}@{project}.iam.gserviceaccount.com"
    accounts = [email.format(each) for each in (*declared.service_accounts, *(f.account for f in functions))]
    found: dict[str, Any] = {
        "cloudbilling.projects.getBillingInfo": {"billingEnabled": True},
        "serviceusage.services.list": {
            "services": [
                {"name": f"projects/{NUMBER}/services/{each}.googleapis.com", "state": "ENABLED"}
                | {"config": {"name": f"{each}.googleapis.com"}}
                for each in APIS
            ]
        },
        "serviceusage.services.consumerQuotaMetrics.list": {"metrics": [_quota(10_000)]},
        "iam.projects.serviceAccounts.list": {"accounts": [{"email": each} for each in accounts]},
        "cloudresourcemanager.projects.getIamPolicy": _policy(
            **{
                "roles/datastore.user": [email.format(each.account) for each in functions],
                "roles/bigquery.jobUser": [email.format(each.account) for each in functions if each.warehouse],
            }
        ),
        "firestore.projects.databases.get": {"type": "FIRESTORE_NATIVE", "locationId": declared.region},
        "bigquery.datasets.get": {"location": declared.warehouse_location},
        "cloudtasks.projects.locations.queues.list": {
            "queues": [{"name": f"{place}/queues/{each}", "state": "RUNNING"} for each in declared.queues]
        },
        "cloudscheduler.projects.locations.jobs.list": {
            "jobs": [
                {
                    "name": f"{place}/jobs/{each.name}",
                    "schedule": each.cron,
                    "timeZone": each.zone,
                    "state": "ENABLED",
                }
                for each in declared.schedules.values()
            ]
        },
        "pubsub.projects.topics.list": {
            "topics": [{"name": f"projects/{project}/topics/{each}"} for each in declared.topics]
        },
        "pubsub.projects.subscriptions.list": {
            "subscriptions": [
                {"name": f"projects/{project}/subscriptions/{each}"} for each in declared.subscriptions
            ]
        },
        "cloudfunctions.projects.locations.functions.list": {
            "functions": [
                {"name": f"{place}/functions/{each}", "state": "ACTIVE", "environment": "GEN_2"}
                for each in declared.functions
            ]
        },
        "run.namespaces.services.list": {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "ServiceList",
            "items": [service(each.name) for each in functions],
        },
        "run.namespaces.services.get console": service("console"),
        "compute.backendServices.get": {"id": "42", "name": "console", "iap": {"enabled": True}},
        "compute.sslCertificates.get": {
            "managed": {"domains": ["api.example.com"], "status": "ACTIVE"},
            "name": "youtube",
        },
    }
    for name in declared.secrets:
        readers = [email.format(each.account) for each in functions if name in each.secrets]
        version = f"projects/{NUMBER}/secrets/{name}/versions/1"
        found |= {
            f"secretmanager.projects.secrets.versions.list {name}": {
                "versions": [{"name": version, "state": "ENABLED"}]
            },
            f"secretmanager.projects.secrets.versions.access {name}": {
                "name": version,
                "payload": {"data": base64.b64encode(CONTENTS[name]).decode()},
            },
            f"secretmanager.projects.secrets.getIamPolicy {name}": _policy(
                **{"roles/secretmanager.secretAccessor": readers}
            ),
        }
    return found


def service(name: str, **traffic: Any) -> dict[str, Any]:
    """A function's service. traffic: another target than the newest revision."""
    function = deployment().functions[name]
    target = {"percent": 100, **(traffic or {"latestRevision": True})}
    annotations = {OPEN: "true"} if function.trigger == "http-public" else {}
    if function.trigger == "http-iap":
        annotations["run.googleapis.com/iap-enabled"] = "true"
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": function.service, "namespace": "p", "annotations": annotations},
        "spec": {"template": {"spec": {"containers": [{"image": "gcf"}]}}, "traffic": [target]},
        "status": {
            "latestReadyRevisionName": "r-2",
            "traffic": [{"revisionName": "r-2", **target}],
            "url": "https://r",
        },
    }


def _quota(units: int) -> dict[str, Any]:
    limit = {"unit": "1/d/{project}", "quotaBuckets": [{"effectiveLimit": str(units)}]}
    return {"metric": "youtube.googleapis.com/default", "consumerQuotaLimits": [limit]}


def _policy(**members: list[str]) -> dict[str, Any]:
    return {
        "bindings": [
            {"role": role, "members": [f"serviceAccount:{each}" for each in held]}
            for role, held in members.items()
        ],
        "etag": "ACAB",
    }


def acts(told: Mapping[str, Any]) -> dict[str, Act]:
    """Methods that answer what is told, or that there is no such thing."""

    def answer(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
        del cloud, query, body
        path = list(call.path.values())[-1]
        parts = path.split("/secrets/")[-1].split("/")[0] if "/secrets/" in path else path.rpartition("/")[2]
        found = told.get(f"{call.id} {parts}", told.get(call.id))
        if found is None:
            raise missing(path)
        return found

    return {key.partition(" ")[0]: answer for key in answers("any")}
