"""Cloud Run: the services that carry functions, their policies, and the invoker check.

gcloud reaches services by two APIs: policies by `run.v1` under projects and locations, the services themselves by
Knative's form of it under namespaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, Refusal, bad, missing, stored

SERVICES = "run.projects.locations.services"
KNATIVE = "run.namespaces.services"
OPEN = "run.googleapis.com/invoker-iam-disabled"


def carry(cloud: Cloud, project: str, region: str, service: str, number: int) -> dict[str, str]:
    """Make or renew a function's service; answer what Cloud Functions says of it.

    Whether the invoker check stays off when a function is deployed again, Google does not promise: here it does
    not, so that a deployment has to see to it.
    """
    uri, revision = f"https://{service}-x-uc.a.run.app", f"{service}-{number:05}"
    name = f"projects/{project}/locations/{region}/services/{service}"
    cloud.resources.setdefault(name, {"name": name})
    cloud.resources[f"namespaces/{project}/services/{service}"] = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": service,
            "namespace": project,
            "generation": 1,
            "resourceVersion": f"v{number}",
            "labels": {"cloud.googleapis.com/location": region, "goog-managed-by": "cloudfunctions"},
            "annotations": {},
        },
        "spec": {
            "template": {"spec": {"containers": [{"image": f"{region}-docker.pkg.dev/{project}/gcf/{service}"}]}},
            "traffic": [{"percent": 100, "latestRevision": True}],
        },
        "status": {
            "observedGeneration": 1,
            "conditions": [
                {"type": kind, "status": "True"} for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
            ],
            "latestReadyRevisionName": revision,
            "latestCreatedRevisionName": revision,
            "traffic": [{"percent": 100, "revisionName": revision, "latestRevision": True}],
            "url": uri,
        },
    }
    return {"service": name, "uri": uri, "revision": revision}


def _service_list(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    prefix = f"{call.path['parent']}/services/"
    found = [service for name, service in sorted(cloud.resources.items()) if name.startswith(prefix)]
    return {"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "items": found}


def _service_replace(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    service = stored(cloud, call, query, body)
    before, after = (each["metadata"].get("annotations", {}).get(OPEN) == "True" for each in (service, body))
    if before != after:
        cloud.change(f"{service['metadata']['name']} {'takes anyone' if after else 'asks for an identity'}")
    service["metadata"]["annotations"] = body["metadata"].get("annotations", {})
    return service


def _policy_get(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    return cloud.policies.get(_existing(cloud, call), {"etag": "ACAB"})


def _policy_set(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    resource, policy = _existing(cloud, call), body.get("policy", {})
    members = {member for binding in policy.get("bindings", ()) for member in binding["members"]}
    if "allUsers" in members and cloud.public_refused:
        raise Refusal(
            400,
            "FAILED_PRECONDITION",
            "One or more users named in the policy do not belong to a permitted customer.",
        )
    for member in sorted(members - {"allUsers"}):
        if member.removeprefix("serviceAccount:") not in cloud.accounts:
            raise bad(f"Service account {member} does not exist.")
    if cloud.policies.get(resource, {}).get("bindings") != policy.get("bindings"):
        cloud.change(f"{resource.rpartition('/')[2]} is called by {', '.join(sorted(members))}")
    cloud.policies[resource] = {**policy, "etag": "ACAB"}
    return cloud.policies[resource]


def _existing(cloud: Cloud, call: Call) -> str:
    resource: str = call.path["resource"]
    if resource not in cloud.resources:
        raise missing(resource)
    return resource


ACTS: Mapping[str, Act] = {
    f"{KNATIVE}.get": stored,
    f"{KNATIVE}.list": _service_list,
    f"{KNATIVE}.replaceService": _service_replace,
    f"{SERVICES}.get": stored,
    f"{SERVICES}.getIamPolicy": _policy_get,
    f"{SERVICES}.setIamPolicy": _policy_set,
}
