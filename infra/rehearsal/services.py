"""Cloud Run: the services that carry functions, their policies, and the invoker check.

gcloud reaches services by two APIs: policies by `run.v1` under projects and locations, the services themselves by
Knative's form of it under namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jwt

from infra import smoke
from infra.deployment import Function, deployment
from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, Refusal, bad, missing, stored

SERVICES = "run.projects.locations.services"
KNATIVE = "run.namespaces.services"
KEY = "of the rehearsal, which signs tokens"  # at least 32 bytes
OPEN = "run.googleapis.com/invoker-iam-disabled"


def carry(cloud: Cloud, project: str, region: str, service: str, number: int) -> dict[str, str]:
    """Make or renew a function's service; answer what Cloud Functions says of it.

    A split of traffic stays, as Google says. Whether the invoker check stays off when a function is deployed
    again, Google does not promise: here it does not, so that a deployment has to see to it.
    """
    uri, revision = cloud.called_url(service), f"{service}-{number:05}"
    name = f"projects/{project}/locations/{region}/services/{service}"
    cloud.resources.setdefault(name, {"name": name})
    knative = f"namespaces/{project}/services/{service}"
    traffic = [{"percent": 100, "latestRevision": True}]
    if knative in cloud.resources:
        traffic = cloud.resources[knative]["spec"]["traffic"]
    cloud.resources[f"namespaces/{project}/revisions/{revision}"] = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {
            "name": revision,
            "namespace": project,
            "creationTimestamp": f"2026-11-29T00:00:00.{number:06}Z",
            "labels": {"serving.knative.dev/service": service, "cloud.googleapis.com/location": region},
        },
        "spec": {"containers": [{"image": "gcf"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    cloud.resources[knative] = {
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
            "traffic": traffic,
        },
        "status": {
            "observedGeneration": 1,
            "conditions": [
                {"type": kind, "status": "True"} for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
            ],
            "latestReadyRevisionName": revision,
            "latestCreatedRevisionName": revision,
            "url": uri,
        },
    }
    _route(cloud, cloud.resources[knative])
    return {"service": name, "uri": uri, "revision": revision}


def _route(cloud: Cloud, service: Any) -> None:
    """Have the status tell where the traffic goes that the specification splits. Raises Refusal."""
    name, newest = service["metadata"]["name"], service["status"]["latestReadyRevisionName"]
    wanted = service["spec"]["traffic"]
    if sum(each.get("percent", 0) for each in wanted) != 100:
        raise bad(f"the traffic of {name} does not add up to 100")
    routed = []
    for each in wanted:
        revision = newest if each.get("latestRevision") else each.get("revisionName")
        if f"namespaces/{service['metadata']['namespace']}/revisions/{revision}" not in cloud.resources:
            raise missing(revision)
        tagged = {"url": cloud.called_url(f"{each['tag']}---{name}")} if each.get("tag") else {}
        routed.append({**each, "revisionName": revision, **tagged})
    service["status"]["traffic"] = routed


def _revision_list(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del body
    (selector,) = query["labelSelector"]
    label, value = (part.strip() for part in selector.split("=", 1))
    prefix = f"{call.path['parent']}/revisions/"
    found = [
        each
        for name, each in sorted(cloud.resources.items())
        if name.startswith(prefix) and each["metadata"]["labels"].get(label) == value
    ]
    return {"apiVersion": "serving.knative.dev/v1", "kind": "RevisionList", "metadata": {}, "items": found}


def answer(cloud: Cloud, address: str, token: str) -> tuple[int, Any]:
    """What the revision answers that an address leads to: what `infra.smoke` expects, unless it is broken.

    address: a service's name, with a tag and three hyphens before it where it is a tag's.
    """
    tag, _, name = address.rpartition("---")
    [function] = [each for each in deployment().functions.values() if each.service == name]
    [service] = [
        each for key, each in cloud.resources.items() if re.fullmatch(f"namespaces/.+/services/{name}", key)
    ]
    to = [
        each["revisionName"]
        for each in service["status"]["traffic"]
        if (each.get("tag") == tag if tag else each.get("percent"))
    ]
    if not to or cloud.broken.intersection(to):
        return (500 if to else 404), {}
    if function.private and not _may_call(function, token, service["status"]["url"]):
        return 403, {}
    question = smoke.questions()[function.name]
    if question.gate:
        return question.gate[0], {}
    return question.status, {"error": {"reason": question.reason}}


def _may_call(function: Function, token: str, url: str) -> bool:
    """Whether a token is of one of the function's callers, and made out to it."""
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"], audience=url)
    except jwt.InvalidTokenError:
        return False
    return claims["email"].partition("@")[0] in function.callers


def _identity_token(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    claims = {"email": _account(cloud, call), "aud": body["audience"], "exp": 4102444800}
    return {"token": jwt.encode(claims, KEY)}


def _access_token(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    return {"accessToken": f"access of {_account(cloud, call)}", "expireTime": "2099-01-01T00:00:00Z"}


def _account(cloud: Cloud, call: Call) -> str:
    account: str = call.path["name"].rpartition("/")[2]
    if account not in cloud.accounts:
        raise missing(account)
    return account


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
    if service["spec"]["traffic"] != body["spec"]["traffic"]:
        cloud.change(f"the traffic of {service['metadata']['name']} is moved")
        service["spec"]["traffic"] = body["spec"]["traffic"]
        _route(cloud, service)
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
    "iamcredentials.projects.serviceAccounts.generateIdToken": _identity_token,
    "iamcredentials.projects.serviceAccounts.generateAccessToken": _access_token,
    "run.namespaces.revisions.list": _revision_list,
    f"{SERVICES}.get": stored,
    f"{SERVICES}.getIamPolicy": _policy_get,
    f"{SERVICES}.setIamPolicy": _policy_set,
}
