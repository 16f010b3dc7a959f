"""Secret Manager: secrets that exist, and versions that operators add."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import google_crc32c

from infra.judges.apis import Call
from infra.rehearsal.cloud import Act, Cloud, Query, bad, missing

SECRETS = "secretmanager.projects.secrets"


def empty(project: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Secrets without versions, as infrastructure makes them."""
    full = [f"projects/{project}/secrets/{name}" for name in names]
    return {name: {"name": name} for name in full}


def _add(cloud: Cloud, call: Call, query: Query, body: Any) -> Any:
    del query
    parent = call.path["parent"]
    if parent not in cloud.resources:
        raise missing(parent)
    versions = cloud.versions.setdefault(parent.rpartition("/")[2], [])
    content = base64.urlsafe_b64decode(body["payload"]["data"])
    checked = "dataCrc32c" in body["payload"]
    if checked and int(body["payload"]["dataCrc32c"]) != google_crc32c.value(content):
        raise bad("the payload does not match its checksum")
    cloud.change(f"{parent.rpartition('/')[2]} has a new version")
    versions.append(content)
    name = f"{parent}/versions/{len(versions)}"
    return {"name": name, "state": "ENABLED", "clientSpecifiedPayloadChecksum": checked}


ACTS: Mapping[str, Act] = {f"{SECRETS}.addVersion": _add}
