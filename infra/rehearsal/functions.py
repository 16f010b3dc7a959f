"""Cloud Functions: what becomes of its requests.

Beyond its discovery document it knows what that does not say: a service account and a source archive must exist,
and names and sizes have Google's limits.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from infra.judges import names
from infra.judges.apis import Call
from infra.rehearsal import services
from infra.rehearsal.cloud import Act, Cloud, Query, Refusal, bad, missing, stored

BROKEN = 'raise RuntimeError("broken")'
"""In a source, what makes its revision answer nothing."""
FUNCTIONS = "cloudfunctions.projects.locations.functions"


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
    cloud.change(f"{identity} is created")
    return _serving(cloud, name, body)


def _function_patch(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    name = call.path["name"]
    if name not in cloud.resources:
        raise missing(name)
    merged = _masked(cloud.resources[name], body, ",".join(query.get("updateMask", ())))
    _check_function(cloud, name.rpartition("/")[2], merged)
    cloud.change(f"{name.rpartition('/')[2]} is changed")
    return _serving(cloud, name, merged)


def _masked(stored: Mapping[str, Any], sent: Mapping[str, Any], mask: str) -> dict[str, Any]:
    """What is stored with the fields that the mask names as they were sent; without a mask, all that was sent."""
    merged: dict[str, Any] = _copied(stored)
    for path in mask.split(",") if mask else list(sent):
        *outer, last = map(_camel, path.split("."))
        source: Any = sent
        target: Any = merged
        for step in outer:
            source, target = (source or {}).get(step), target.setdefault(step, {})
        if isinstance(source, Mapping) and last in source:
            target[last] = source[last]
        else:
            target.pop(last, None)
    return merged


def _camel(name: str) -> str:
    """A field as JSON writes it; gcloud's masks write it as protocol buffers do."""
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


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
        config.get("availableMemory"),
        config.get("availableCpu"),
        config.get("maxInstanceRequestConcurrency"),
        config.get("timeoutSeconds"),
    )
    if problems:
        raise bad("; ".join(problems))


def _serving(cloud: Cloud, name: str, body: Mapping[str, Any]) -> Any:
    """A finished operation: the function as it is now, with the Cloud Run service that carries it."""
    _, project, _, region, _, identity = name.split("/")
    number = len(cloud.changed)
    output = services.carry(cloud, project, region, identity.replace("_", "-"), number)
    archive = cloud.archives[body["buildConfig"]["source"]["storageSource"]["object"]]
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        if BROKEN in source.read("main.py").decode():
            cloud.broken.add(output["revision"])
    config = {**body.get("serviceConfig", {}), **output}
    deployed = {**body, "name": name, "serviceConfig": config, "state": "ACTIVE", "environment": "GEN_2"}
    cloud.resources[name] = deployed
    operation = f"projects/{project}/locations/{region}/operations/operation-{number}"
    kind = "type.googleapis.com/google.cloud.functions.v2."
    cloud.resources[operation] = {
        "name": operation,
        "done": True,
        "metadata": {"@type": f"{kind}OperationMetadata", "target": name, "stages": []},
        "response": {"@type": f"{kind}Function", **deployed},
    }
    return cloud.resources[operation]


def _runtimes(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del cloud, call, query, body
    return {"runtimes": [{"name": "python312", "environment": "GEN_2", "stage": "GA"}]}


ACTS: Mapping[str, Act] = {
    f"{FUNCTIONS}.get": stored,
    f"{FUNCTIONS}.list": _function_list,
    f"{FUNCTIONS}.generateUploadUrl": _upload_address,
    f"{FUNCTIONS}.create": _function_create,
    f"{FUNCTIONS}.patch": _function_patch,
    "cloudfunctions.projects.locations.runtimes.list": _runtimes,
    "cloudfunctions.projects.locations.operations.get": stored,
}
