"""Leaving and moving: everything that the system keeps is exported, restored elsewhere, or ended with receipts.

    python -m infra.moving export   --project P --bucket B              everything into gs://B/moving/P
    python -m infra.moving restore  --project NEW --from P --bucket B   into a project that Terraform has made
    python -m infra.moving teardown --project P                         says how many connections there are to end
    python -m infra.moving teardown --project P --confirm P             ends every connection, with receipts

An export first pauses schedules and queues, so that Firestore and the warehouse tell of one moment; it starts
nothing again. A restore loads only tables that are empty, and copies the vault's key version by version, since
sealed tokens name the version's number. A teardown is the disconnect that users have, for every channel, and
writes all receipts to receipts.P.jsonl; what an earlier one could not finish it asks for again. Each can be
repeated after it died. Runs with the credentials of whoever starts it.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import deploy, gcloud
from infra.deploy import Target
from infra.gcloud import Step
from infra.used_settings import VARIABLES
from shared.errors import YtempireError
from shared.warehouse.tables import TABLES

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as Warehouse
    from google.cloud.firestore import Client

    from shared.access.disconnect import Disconnects

KEY = "youtube-vault-key"
FORMAT = "NEWLINE_DELIMITED_JSON"  # the one that takes every type of ours back as it was, JSON and NULL too
WAIT = 3600  # seconds for one job of BigQuery


def pausing(target: Target) -> list[list[Step]]:
    """Stop what starts work by itself."""
    where = (f"--location={target.declared.region}", f"--project={target.project}", "--quiet")
    jobs = [("scheduler", "jobs", "pause", name) for name in target.declared.schedules]
    queues = [("tasks", "queues", "pause", name) for name in target.declared.queues]
    return [[Step(command=("gcloud", *each, *where), why=f"{each[-1]} rests")] for each in (*jobs, *queues)]


def documents(verb: str, target: Target, folder: str) -> list[list[Step]]:
    """Have Firestore write or read all documents. verb: export or import."""
    command = ("gcloud", "firestore", verb, f"{folder}/firestore", f"--project={target.project}", "--quiet")
    return [[Step(command=command, why=f"Firestore's {verb}")]]


def export_tables(client: Warehouse, dataset: str, folder: str) -> None:
    """Have BigQuery write every table."""
    from google.cloud.bigquery import ExtractJobConfig

    for table in TABLES:
        config = ExtractJobConfig(destination_format=FORMAT, compression="GZIP")
        name = f"{client.project}.{dataset}.{table.name}"
        client.extract_table(name, f"{folder}/{table.name}/*.json.gz", job_config=config).result(timeout=WAIT)
        print(f"{table.name} is exported", flush=True)


def restore_tables(client: Warehouse, dataset: str, folder: str) -> None:
    """Have BigQuery read every table that holds nothing yet."""
    from google.cloud.bigquery import LoadJobConfig

    for table in TABLES:
        name = f"{client.project}.{dataset}.{table.name}"
        there = client.get_table(name)
        if there.num_rows:
            print(f"{table.name} holds {there.num_rows} rows, and is left as it is", flush=True)
            continue
        config = LoadJobConfig(source_format=FORMAT, schema=there.schema, write_disposition="WRITE_EMPTY")
        client.load_table_from_uri(f"{folder}/{table.name}/*.json.gz", name, job_config=config).result(
            timeout=WAIT
        )
        print(f"{table.name} is restored", flush=True)


def copy_key(old: str, new: str) -> None:
    """Copy the vault's key, every version under its number. Raises `gcloud.Refused` where another key is there.

    A version that is not enabled seals nothing any more; its number is taken by a text, which is destroyed.
    """
    versions, there = _versions(old), _versions(new)
    for number in range(1, max(versions, default=0) + 1):
        content = _content(old, number) if versions.get(number) == "ENABLED" else None
        if number in there:
            if content is not None and content != _content(new, number):
                raise gcloud.Refused(f"{new} has another {KEY} under the number {number}: delete the secret first")
            continue
        gcloud.said(
            "secrets", "versions", "add", KEY, f"--project={new}", "--data-file=-", given=content or b"none"
        )
        if content is None:
            gcloud.said(
                "secrets", "versions", "destroy", str(number), f"--secret={KEY}", f"--project={new}", "--quiet"
            )
    print(f"{KEY}: {len(versions)} versions are there", flush=True)


def _versions(project: str) -> dict[int, str]:
    listed = gcloud.ask("secrets", "versions", "list", KEY, f"--project={project}", "--format=json")
    return {int(each["name"].rpartition("/")[2]): each["state"] for each in listed}


def _content(project: str, number: int) -> bytes:
    asked = ("secrets", "versions", "access", str(number), f"--secret={KEY}", f"--project={project}")
    return base64.urlsafe_b64decode(gcloud.said(*asked, "--format=get(payload.data)").strip())


def connected(client: Client) -> list[str]:
    """Every channel that is connected."""
    from shared.cloud.firestore import listing
    from shared.data_map import CHANNELS

    return [each.id for each in listing(client.collection(CHANNELS.path).select(()))]


def end_all(client: Client, disconnects: Disconnects) -> list[str]:
    """End every connection by the way that users have; what did not go, in words. One's trouble is its own.

    First what earlier ends left is asked for again: where schedules rest, nobody else does.
    """
    from shared.access.disconnect import WAREHOUSE

    todo: list[tuple[Callable[[str], object], str]] = [
        *((disconnects.revocations.ask, each) for each in disconnects.revocations.waiting()),
        *(
            (partial(disconnects.erase_rows, each.receipt_id), each.channel_id)
            for each in disconnects.receipts.unconfirmed(WAREHOUSE)
        ),
        *((partial(disconnects.end, by="operator"), each) for each in connected(client)),
    ]
    failed = []
    for act, subject in todo:
        try:
            act(subject)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are ended
            failed.append(f"{subject}: {error}")
    return failed


def receipts(client: Client) -> Iterator[dict[str, Any]]:
    """Every receipt that is kept, the oldest first, also of connections that ended before."""
    from shared.access.receipts import RECEIPTS
    from shared.cloud.firestore import listing
    from shared.data_map import RECEIPTS as KEPT

    found = [RECEIPTS.read(each.id, each.to_dict()) for each in listing(client.collection(KEPT.path))]
    for receipt in sorted(found, key=lambda each: each.requested_at):
        yield receipt.as_json()


def write_receipts(client: Client, path: Path) -> list[str]:
    """Write all receipts; those of which a part is still open, in words."""
    from shared.access.receipts import PENDING

    found = list(receipts(client))
    path.write_text("".join(json.dumps(each) + "\n" for each in found))
    print(f"{len(found)} receipts are in {path}")
    still = [each for each in found if None in each["deleted"].values() or each["google"] == PENDING]
    return [f"{each['channel_id']}: not everything is deleted or revoked yet" for each in still]


def _teardown(target: Target, confirmed: str | None) -> list[str]:
    os.environ.update({name: str(value) for name, value in target.values.items()})
    from shared.cloud import firestore
    from shared.wiring.access import disconnects

    client = firestore.client()
    if confirmed != target.project:
        words = "disconnected, their data erased, Google's permissions revoked. Nothing was done; to do it"
        return [f"{len(connected(client))} channels would be {words}: --confirm {target.project}"]
    failed = [*end_all(client, disconnects()), *write_receipts(client, Path(f"receipts.{target.project}.jsonl"))]
    if failed:
        return [*failed, "run it again, until every receipt is finished; the functions must go on running"]
    print("Nobody is connected any more. What is left is for a person, in infra/docs/deploying.md, Leaving.")
    return []


def main(given: Sequence[str] | None = None) -> int:
    """Do one of the three. Exit status 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m infra.moving", description=__doc__)
    parser.add_argument("what", choices=("export", "restore", "teardown"))
    parser.add_argument("--project", required=True)
    parser.add_argument("--from", dest="old", help="restore: the project that was exported")
    parser.add_argument("--bucket", help="where exports lie; in the dataset's location")
    parser.add_argument("--settings", type=Path, help="default: infra/settings.<project>.yaml")
    parser.add_argument("--confirm", metavar="PROJECT", help="teardown: the project once more")
    asked = parser.parse_args(given)
    if (asked.bucket is None) != (asked.what == "teardown") or (asked.old is None) == (asked.what == "restore"):
        parser.error("export needs --bucket, restore --bucket and --from, teardown neither")
    from google.api_core.exceptions import GoogleAPICallError

    target = deploy.target(asked.project, asked.settings)
    folder = f"gs://{asked.bucket}/moving/{asked.old or asked.project}"
    try:
        failed = (
            _teardown(target, asked.confirm)
            if asked.what == "teardown"
            else _carried(asked.what, target, folder, asked.old)
        )
    except (gcloud.Refused, YtempireError, GoogleAPICallError) as error:
        failed = [str(error)]
    print(*(f"Failed: {each}" for each in failed), file=sys.stderr, sep="\n", end="\n" if failed else "")
    return 1 if failed else 0


def _carried(what: str, target: Target, folder: str, old: str | None) -> list[str]:
    from shared.cloud import bigquery

    warehouse = bigquery.client(target.project)
    dataset = target.values.get(VARIABLES["dataset"], "youtube")
    if what == "export":
        failed = gcloud.run(pausing(target)) or gcloud.run(documents("export", target, folder))
        if not failed:
            export_tables(warehouse, dataset, folder)
        return failed
    assert old is not None
    copy_key(old, target.project)
    failed = gcloud.run(documents("import", target, folder))
    if not failed:
        restore_tables(warehouse, dataset, folder)
    return failed


if __name__ == "__main__":
    sys.exit(main())
