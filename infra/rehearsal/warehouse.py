"""BigQuery: a dataset, its tables, and views that are replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, Refusal, bad, missing
from infra.views import VIEWS
from shared.warehouse.tables import TABLES

CHANGES = 1 + len(TABLES) + len(VIEWS)
"""What making it from nothing changes: the dataset, the tables, the views."""

_VIEW = re.compile(r"CREATE OR REPLACE VIEW `([\w-]+\.\w+)\.(\w+)` AS\n(.+)", re.DOTALL)
_DROP = re.compile(r"DROP VIEW IF EXISTS `([\w-]+\.\w+\.\w+)`")


def _dataset_insert(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del call, query
    reference = body["datasetReference"]
    return _made(cloud, f"{reference['projectId']}.{reference['datasetId']}", body)


def _table_insert(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del call, query
    reference = body["tableReference"]
    dataset = f"{reference['projectId']}.{reference['datasetId']}"
    if dataset not in cloud.resources:
        raise missing(dataset)
    return _made(cloud, f"{dataset}.{reference['tableId']}", body)


def _made(cloud: Cloud, name: str, body: Any) -> Any:
    if name in cloud.resources:
        raise Refusal(409, "ALREADY_EXISTS", f"Already Exists: {name}")
    cloud.change(f"{name} is made")
    cloud.resources[name] = body
    return body


def _get(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query, body
    name = ".".join(call.path.values())
    if name not in cloud.resources:
        raise missing(name)
    return cloud.resources[name]


def _query(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    dropped = _DROP.fullmatch(body["query"])
    if dropped is not None:
        cloud.resources.pop(dropped[1], None)
        return _answered(cloud, call)
    view = _VIEW.fullmatch(body["query"])
    if view is None or view[1] not in cloud.resources:
        raise bad(f"the stand-in runs no such statement: {body['query'][:60]}")
    name = f"{view[1]}.{view[2]}"
    if cloud.resources.get(name) != {"query": view[3]}:
        cloud.change(f"{name} is made")
        cloud.resources[name] = {"query": view[3]}
    return _answered(cloud, call)


def _answered(cloud: Cloud, call: Call) -> Any:
    job = {"projectId": call.path["projectId"], "jobId": f"job-{len(cloud.changed)}", "location": "US"}
    return {"kind": "bigquery#queryResponse", "jobReference": job, "jobComplete": True, "totalRows": "0"}


ACTS: Mapping[str, Act] = {
    "bigquery.datasets.insert": _dataset_insert,
    "bigquery.datasets.get": _get,
    "bigquery.tables.insert": _table_insert,
    "bigquery.tables.get": _get,
    "bigquery.jobs.query": _query,
}
