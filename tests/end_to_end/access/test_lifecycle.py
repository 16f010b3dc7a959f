import json
import subprocess
import sys

import pytest

from infra.deployment import ROOT
from infra.local.demo.unmapped import documents, unmapped
from tests.stands.waiting import eventually

WORKER = """
import sys, threading
from shared.wiring.access import token_source
gate, tokens = threading.Barrier(5), []
def work():
    source = token_source(sys.argv[1])
    gate.wait()
    tokens.append(source(None))
print("ready", flush=True)
sys.stdin.readline()
workers = [threading.Thread(target=work) for _ in range(5)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
import hashlib
print(*[hashlib.sha256(token.encode()).hexdigest() for token in tokens], flush=True)
"""


UPLOAD_UNDER_WAY = """
from shared.wiring.vault import vault
from shared.vault.secret import Secret
from shared.cloud import firestore
session = vault().seal(Secret("https://upload"), record="operations/o1", field="upload.session")
firestore.client().document("operations/o1").set({"upload": {"session": session}})
"""


def environment(stack):
    """What a process of the deployment has."""
    return {**stack.env, **stack.clock.environment(), "PATH": "/usr/bin"}


@pytest.mark.fault(11)
def test_twenty_workers_of_four_processes_find_the_token_expired_and_one_refresh_reaches_google(access):
    person = access.person(6)
    access.connect("many", person)
    channel = person["channels"][0]["id"]
    access.firestore.document("grants", channel).update({"access_expires_at": access.stack.now()})
    access.control("faults", method="oauth.token", kind="delay", seconds=1, times=1)
    asked = access.token_requests()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, channel],
            cwd=ROOT,
            env=environment(access.stack),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    tokens = [token for process in processes for token in process.communicate(timeout=60)[0].split()]
    assert len(tokens) == 20
    assert len(set(tokens)) == 1
    assert access.token_requests() == asked + 1


def test_the_app_s_user_disconnects_and_gets_a_receipt(access):
    person = access.person(7)
    access.connect("leaver", person)
    channel = person["channels"][0]["id"]
    headers = {"Authorization": f"Bearer {access.stack.user_token('leaver')}"}
    answers = [
        access.http.post(f"{access.app}/auth/youtube/disconnect", json={"channel_id": channel}, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    receipt = answers[0].json()
    assert receipt == answers[1].json()
    assert receipt["google"] == "revoked"
    assert receipt["deleted"]["tokens"] == 1
    assert channel not in access.stored("channels")


@pytest.mark.parametrize(
    ("body", "status"), [({"channel_id": "UC" + "n" * 22}, 404), ({}, 400), ({"channel_id": "../x"}, 400)]
)
def test_a_disconnect_of_what_is_not_connected_is_refused(access, body, status):
    headers = {"Authorization": f"Bearer {access.stack.user_token('stranger')}"}
    answer = access.http.post(f"{access.app}/auth/youtube/disconnect", json=body, headers=headers)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}
    assert access.http.post(f"{access.app}/auth/youtube/disconnect", json=body).status_code == 401


@pytest.mark.fault(49)
def test_a_revoke_that_google_missed_is_asked_again_by_cloud_tasks(access):
    person = access.person(7)
    access.connect("returner", person, channel=1)
    channel = person["channels"][1]["id"]
    access.control("faults", method="oauth.revoke", kind="html", times=1)
    answer = access.http.post(
        f"{access.app}/auth/youtube/disconnect",
        json={"channel_id": channel},
        headers={"Authorization": f"Bearer {access.stack.user_token('returner')}"},
    )
    assert answer.json()["google"] == "pending"
    assert channel not in access.stored("channels")
    eventually(lambda: not access.stored("revocations"), every=0.2)
    assert access.stored("receipts")[answer.json()["receipt"]]["revocation"] == "revoked"


def test_a_rotation_in_the_middle_breaks_nothing_and_afterwards_nothing_uses_the_old_version(access):
    person = access.person(5)
    access.connect("rotator", person, channel=1)
    subprocess.run([sys.executable, "-c", UPLOAD_UNDER_WAY], cwd=ROOT, env=environment(access.stack), check=True)
    first = access.upkeep(rotate=True)["vault"]
    new = first["version"]
    assert first["remaining"] == {str(new - 1): 0}
    access.connect("rotator", person, channel=2)  # functions that still hold the old key go on
    disabled = []
    for _ in range(2):
        access.stack.advance(seconds=700)
        disabled += access.upkeep()["vault"]["disabled"]
    assert disabled == [new - 1]
    sealed = list(_sealed(access.firestore))
    places = {place for place, _version in sealed}
    assert {"grants.access_token", "grants.refresh_token", "operations.upload.session"} <= places
    assert {version for _place, version in sealed} == {new}
    versions = access.http.get(f"{access.stack.tasks_control}/secrets").json()
    assert "DISABLED" in json.dumps(versions)
    access.connect("rotator", person, channel=1)


@pytest.mark.fault(45)
def test_the_keeper_of_grants_answers_the_scheduler_and_nobody_else(access):
    url = access.stack.url("refresh_tokens")
    assert access.http.post(url, json={}).status_code in {401, 403}
    stranger = access.stack.service_token("app-backend", "refresh_tokens")
    assert access.http.post(url, json={}, headers={"Authorization": f"Bearer {stranger}"}).status_code == 403


@pytest.mark.fault(18)
def test_no_secret_that_google_issued_is_in_any_log_page_or_document(access):
    browser = access.browser()
    browser.follow(access.start(browser, "canary", access.person(2), channel=1))
    access.connect("canary", access.person(2), channel=2, deny=True)
    access.upkeep()
    issued = access.ask("issued")["issued"]
    canaries = {kind: values for kind, values in issued.items() if kind != "app_id_token"}
    assert {"access_token", "refresh_token", "code", "code_verifier"} <= canaries.keys()
    written = {"logs": access.stack.logs(), "documents": _everything(access.firestore)}
    pages = [page for page in browser.visited if str(page.url).startswith(access.app)]
    written["pages"] = "".join(page.text for page in pages)
    for place, text in written.items():
        for kind, values in canaries.items():
            assert not [value for value in values if value in text], f"{kind} in {place}"
    state = browser.visited[0].headers["location"].split("state=")[1].split("&")[0]
    assert state not in written["documents"] + written["pages"]
    assert not [value for value in browser.cookies.values() if value in written["documents"] + written["logs"]]


def test_the_data_map_knows_whatever_the_functions_have_stored(access):
    access.connect("mapped", access.person(2))
    access.upkeep()
    assert {"grants", "quota", "users"} <= {collection.id for collection in access.firestore.collections()}
    assert unmapped(documents(access.firestore)) == []


def _sealed(client):
    """(place, key version) of every map of the vault's shape in the whole database, however deep it lies."""

    def walk(value, path):
        if isinstance(value, dict) and set(value) == {"v", "n", "c"}:
            yield path, value["v"]
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield from walk(inner, f"{path}.{name}")

    for collection in client.collections():
        for snapshot in collection.stream():
            yield from walk(snapshot.to_dict(), collection.id)


def _everything(client):
    return "\n".join(repr(fields) for _, fields in documents(client))
