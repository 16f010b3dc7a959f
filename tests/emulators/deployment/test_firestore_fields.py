"""The printed commands tell a stand-in for Firestore what the data map says of fields; each request is judged."""

from __future__ import annotations

from infra import documents
from infra.rehearsal import tree
from infra.rehearsal.cloud import Cloud
from infra.rehearsal.server import environment, serving


def test_the_printed_commands_make_the_indexes_and_the_ttl_policies_of_the_data_map(tmp_path):
    patched = {}

    def patch(cloud, call, query, body):
        patched[call.path["name"].split("/collectionGroups/")[1]] = body
        return {"name": f"projects/{tree.PROJECT}/databases/(default)/operations/{len(patched)}", "done": True}

    cloud = Cloud(accounts=frozenset(), acts={"firestore.projects.databases.collectionGroups.fields.patch": patch})
    ttl, index = documents.ttl().splitlines()[0], documents.indexes()
    with serving(cloud) as address:
        here = index.replace("https://firestore.googleapis.com", f"{address}/firestore")
        said = [
            tree.shell(command, environment(address, tmp_path))
            for command in (f"{ttl.strip()} --async", f"gcloud() {{ echo {tree.PROJECT}; }}\n{here}")
        ]
    assert [each.stderr for each in said if each.returncode] == []
    assert cloud.refusals == []
    index = {"queryScope": "COLLECTION_GROUP", "fields": [{"fieldPath": "held_at", "order": "ASCENDING"}]}
    assert patched["entries/fields/held_at"]["indexConfig"] == {"indexes": [index]}
    assert "ttlConfig" in patched["operations/fields/expires_at"]
