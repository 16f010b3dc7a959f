"""What is paused, exported, loaded and copied: schedules, queues, documents, tables, a secret's versions."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, missing, stored
from infra.rehearsal.secrets import SECRETS


def _paused(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    cloud.change(f"{call.path['name'].rpartition('/')[2]} is paused")
    return {"name": call.path["name"], "state": "PAUSED"}


def _documents(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    folder = body.get("outputUriPrefix") or body["inputUriPrefix"]
    cloud.change(f"Firestore: {call.verb} {folder}")
    name = f"{call.path['name']}/operations/{len(cloud.changed)}"
    cloud.resources[name] = {
        "name": name,
        "done": True,
        "response": {"@type": "type.googleapis.com/google.protobuf.Empty"},
    }
    return cloud.resources[name]


def _job(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    config = body["configuration"]
    if extract := config.get("extract"):
        cloud.change(f"{extract['sourceTable']['tableId']} to {extract['destinationUris'][0]}")
    else:
        load = config["load"]
        cloud.change(f"{load['sourceUris'][0]} to {load['destinationTable']['tableId']}")
        cloud.resources[f"rows of {load['destinationTable']['tableId']}"] = {"numRows": "7"}
    name = f"{call.path['projectId']} {body['jobReference']['jobId']}"
    cloud.resources[name] = {**body, "status": {"state": "DONE"}}
    return cloud.resources[name]


def _job_told(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    return cloud.resources[f"{call.path['projectId']} {call.path['jobId']}"]


def _table(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    reference = {name: call.path[name] for name in ("projectId", "datasetId", "tableId")}
    held = cloud.resources.get(f"rows of {reference['tableId']}", {"numRows": "0"})
    return {"tableReference": reference, "schema": {"fields": [{"name": "channel_id", "type": "STRING"}]}, **held}


def _list(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    found = cloud.resources.get(call.path["parent"], {})
    return {
        "versions": [
            {"name": f"{call.path['parent']}/versions/{number}", "state": each["state"]}
            for number, each in found.items()
        ]
    }


def _access(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    parent, _, number = call.path["name"].partition("/versions/")
    version = cloud.resources.get(parent, {}).get(number)
    if version is None:
        raise missing(call.path["name"])
    return {"name": call.path["name"], "payload": {"data": base64.b64encode(version["content"]).decode()}}


def _add(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    parent = call.path["parent"]
    versions = cloud.resources.setdefault(parent, {})
    number = str(len(versions) + 1)
    cloud.change(f"{parent} has the version {number}")
    versions[number] = {"state": "ENABLED", "content": base64.urlsafe_b64decode(body["payload"]["data"])}
    checked = "dataCrc32c" in body["payload"]
    return {"name": f"{parent}/versions/{number}", "state": "ENABLED", "clientSpecifiedPayloadChecksum": checked}


def _destroy(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    parent, _, number = call.path["name"].partition("/versions/")
    cloud.change(f"{parent} loses the version {number}")
    cloud.resources[parent][number] = {"state": "DESTROYED", "content": b""}
    return {"name": call.path["name"], "state": "DESTROYED"}


ACTS: Mapping[str, Act] = {
    "cloudscheduler.projects.locations.jobs.pause": _paused,
    "cloudtasks.projects.locations.queues.pause": _paused,
    "firestore.projects.databases.exportDocuments": _documents,
    "firestore.projects.databases.importDocuments": _documents,
    "firestore.projects.databases.operations.get": stored,
    "bigquery.jobs.insert": _job,
    "bigquery.jobs.get": _job_told,
    "bigquery.tables.get": _table,
    f"{SECRETS}.versions.list": _list,
    f"{SECRETS}.versions.access": _access,
    f"{SECRETS}.addVersion": _add,
    f"{SECRETS}.versions.destroy": _destroy,
}
