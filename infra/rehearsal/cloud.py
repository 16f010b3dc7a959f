"""What exists in a rehearsed project, and what becomes of each request.

Every request is judged by the API's discovery document (path, parameters, body) before anything happens, and every
answer by its response schema. Beyond the documents it knows what they do not say: names that must exist already
(service accounts, archives), and IAM's and Cloud Run's rules for names.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.judges import apis, names
from infra.judges.apis import Call

Answer = tuple[int, Any]
Query = Mapping[str, Sequence[str]]

FUNCTIONS = "cloudfunctions.projects.locations.functions"
SERVICES = "run.projects.locations.services"


class Refusal(Exception):
    """Google would refuse this request."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = (code, {"error": {"code": code, "status": status, "message": message}})


def bad(message: str) -> Refusal:
    """400 INVALID_ARGUMENT."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def missing(name: str) -> Refusal:
    """404 NOT_FOUND."""
    return Refusal(404, "NOT_FOUND", f"Resource '{name}' was not found")


@dataclass
class Cloud:
    """One project. accounts: service accounts that exist. public_refused: the organisation refuses `allUsers`.

    calls: requests by method id. refusals: what was refused and is no ordinary "not found", in words.
    fail_at: the number of the changing request that is answered 503 instead, as when a deployment dies there.
    """

    accounts: frozenset[str]
    public_refused: bool = False
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    changes: int = 0
    fail_at: int | None = None
    upload_url: Callable[[str], str] = str
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, api: str, verb: str, path: str, query: Query, body: Any) -> Answer:
        """What Google would answer."""
        with self._lock:
            try:
                call, answer = self._answered(apis.find(api, verb, path), f"{api} {verb} {path}", query, body)
            except Refusal as refusal:
                if refusal.answer[0] != 404 or "UNIMPLEMENTED" in str(refusal.answer):
                    self.refusals.append(str(refusal))
                return refusal.answer
            if problems := apis.answer_misfits(call, answer):
                raise AssertionError(f"the stand-in's answer to {call.id} is none of Google's: {problems}")
            return 200, answer

    def _answered(self, call: Call | None, asked: str, query: Query, body: Any) -> tuple[Call, Any]:
        if call is None:
            raise Refusal(404, "UNIMPLEMENTED", f"no API has the method of {asked}")
        self.calls[call.id] += 1
        if problems := apis.misfits(call, query, body):
            raise bad(f"{call.id}: {'; '.join(problems)}")
        return call, self._act(call, query, body or {})

    def upload(self, name: str, content: bytes) -> Answer:
        """A source archive arrives at an address that was given out."""
        with self._lock:
            if name not in self.archives:
                return missing(name).answer
            if not content.startswith(b"PK"):
                return bad("the archive is no zip").answer
            self.archives[name] = content
            return 200, {}

    def _act(self, call: Call, query: Query, body: Any) -> Any:
        act = _ACTS.get(call.id)
        if act is None:  # no 5xx, which gcloud would repeat for half a minute
            raise Refusal(404, "UNIMPLEMENTED", f"the stand-in does not know {call.id}")
        return act(self, call, query, body)

    def changed(self) -> None:
        """Count a change; the one at `fail_at` fails before it happens."""
        self.changes += 1
        if self.fail_at == self.changes:
            raise Refusal(503, "UNAVAILABLE", "The service is currently unavailable.")


def _get(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    name = call.path["name"]
    if name not in cloud.resources:
        raise missing(name)
    return cloud.resources[name]


def _function_list(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    prefix = f"{call.path['parent']}/functions/"
    return {"functions": [found for name, found in sorted(cloud.resources.items()) if name.startswith(prefix)]}


def _upload_address(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    name = f"{len(cloud.archives)}.zip"
    cloud.archives[name] = b""
    bucket = f"gcf-v2-uploads-{call.path['parent'].split('/')[1]}"
    return {"uploadUrl": cloud.upload_url(name), "storageSource": {"bucket": bucket, "object": name}}


def _function_create(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    (identity,) = query.get("functionId", ("",))
    name = f"{call.path['parent']}/functions/{identity}"
    if name in cloud.resources:
        raise Refusal(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
    _check_function(cloud, identity, body)
    cloud.changed()
    return _serving(cloud, name, body)


def _function_patch(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    name = call.path["name"]
    if name not in cloud.resources:
        raise missing(name)
    merged = _masked(cloud.resources[name], body, ",".join(query.get("updateMask", ())))
    _check_function(cloud, name.rpartition("/")[2], merged)
    cloud.changed()
    return _serving(cloud, name, merged)


def _masked(stored: Mapping[str, Any], sent: Mapping[str, Any], mask: str) -> dict[str, Any]:
    """What is stored with the fields that the mask names as they were sent; without a mask, all that was sent."""
    merged: dict[str, Any] = _copied(stored)
    for path in mask.split(",") if mask else list(sent):
        *outer, last = path.split(".")
        source: Any = sent
        target: Any = merged
        for step in outer:
            source, target = (source or {}).get(step), target.setdefault(step, {})
        if isinstance(source, Mapping) and last in source:
            target[last] = source[last]
        else:
            target.pop(last, None)
    return merged


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _check_function(cloud: Cloud, identity: str, body: Mapping[str, Any]) -> None:
    config = body.get("serviceConfig", {})
    problems = list(names.problems("function", identity))
    account = config.get("serviceAccountEmail", "")
    if account not in cloud.accounts:
        problems.append(f"Service account {account} does not exist")
    archive = body.get("buildConfig", {}).get("source", {}).get("storageSource", {}).get("object")
    if not cloud.archives.get(archive):
        problems.append(f"The source archive {archive} is not there")
    problems += [
        problem
        for key, value in body.get("labels", {}).items()
        for problem in (*names.problems("label key", key), *names.problems("label value", value))
    ]
    problems += names.sizing(
        memory=config.get("availableMemory"),
        cpu=config.get("availableCpu"),
        concurrency=config.get("maxInstanceRequestConcurrency"),
        timeout=config.get("timeoutSeconds"),
    )
    if problems:
        raise bad("; ".join(problems))


def _serving(cloud: Cloud, name: str, body: Mapping[str, Any]) -> Any:
    """A finished operation: the function as it is now, with the Cloud Run service that carries it."""
    _, project, _, region, _, identity = name.split("/")
    service = f"projects/{project}/locations/{region}/services/{identity.replace('_', '-')}"
    uri = f"https://{identity.replace('_', '-')}-x-uc.a.run.app"
    output = {"service": service, "uri": uri, "revision": f"{identity.replace('_', '-')}-{cloud.changes:05}"}
    config = {**body.get("serviceConfig", {}), **output}
    deployed = {**body, "name": name, "serviceConfig": config, "state": "ACTIVE", "environment": "GEN_2"}
    cloud.resources[name] = deployed
    cloud.resources.setdefault(service, {"name": service})
    operation = f"projects/{project}/locations/{region}/operations/operation-{cloud.changes}"
    kind = "type.googleapis.com/google.cloud.functions.v2."
    cloud.resources[operation] = {
        "name": operation,
        "done": True,
        "metadata": {"@type": f"{kind}OperationMetadata", "target": name, "stages": []},
        "response": {"@type": f"{kind}Function", **deployed},
    }
    return cloud.resources[operation]


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
        cloud.changed()
    cloud.policies[resource] = {**policy, "etag": "ACAB"}
    return cloud.policies[resource]


def _existing(cloud: Cloud, call: Call) -> str:
    resource: str = call.path["resource"]
    if resource not in cloud.resources:
        raise missing(resource)
    return resource


def _enabled(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    return {"name": call.path["name"], "state": "ENABLED"}


def _project(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    return {"projectId": call.path["projectId"], "projectNumber": "123456789012", "lifecycleState": "ACTIVE"}


def _runtimes(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, call, query, body
    return {"runtimes": [{"name": "python312", "environment": "GEN_2", "stage": "GA"}]}


def _build_account(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, query, body
    project = call.path["name"].split("/")[1]
    return {
        "name": call.path["name"],
        "serviceAccountEmail": f"projects/{project}/serviceAccounts/build@{project}.iam.gserviceaccount.com",
    }


_ACTS: Mapping[str, Callable[[Cloud, Call, Query, Any], Any]] = {
    f"{FUNCTIONS}.get": _get,
    f"{FUNCTIONS}.list": _function_list,
    f"{FUNCTIONS}.generateUploadUrl": _upload_address,
    f"{FUNCTIONS}.create": _function_create,
    f"{FUNCTIONS}.patch": _function_patch,
    "cloudfunctions.projects.locations.runtimes.list": _runtimes,
    "cloudfunctions.projects.locations.operations.get": _get,
    "cloudbuild.projects.locations.getDefaultServiceAccount": _build_account,
    "cloudresourcemanager.projects.get": _project,
    "serviceusage.services.get": _enabled,
    f"{SERVICES}.get": _get,
    f"{SERVICES}.getIamPolicy": _policy_get,
    f"{SERVICES}.setIamPolicy": _policy_set,
}
