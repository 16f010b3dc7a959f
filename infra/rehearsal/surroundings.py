"""What gcloud asks on its way to the functions: the project, enabled services, the build's account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query


def _enabled(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    return {"name": call.path["name"], "state": "ENABLED"}


def _project(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    return {"projectId": call.path["projectId"], "projectNumber": "123456789012", "lifecycleState": "ACTIVE"}


def _build_account(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    project = call.path["name"].split("/")[1]
    return {
        "name": call.path["name"],
        "serviceAccountEmail": f"projects/{project}/serviceAccounts/build@{project}.iam.gserviceaccount.com",
    }


ACTS: Mapping[str, Act] = {
    "cloudbuild.projects.locations.getDefaultServiceAccount": _build_account,
    "cloudresourcemanager.projects.get": _project,
    "serviceusage.services.get": _enabled,
}
