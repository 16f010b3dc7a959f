"""The questions of `infra.smoke`, asked of the functions as they run on the stack."""

from __future__ import annotations

import json
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from infra import observed, smoke
from infra.deployment import deployment
from infra.local.stack import ABOUT, Stack


def everything(stack: Stack) -> dict[str, Any]:
    """Every document of the stack's Firestore."""
    client = firestore.Client(
        project=stack.env["GOOGLE_CLOUD_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": stack.env["FIRESTORE_EMULATOR_HOST"]},
    )
    return {
        snapshot.reference.path: snapshot.to_dict()
        for collection in client.collections()
        for snapshot in collection.recursive().stream()
    }


def test_every_function_answers_its_question_and_nothing_is_left_behind(stack, monkeypatch, capsys):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", stack.env["FIRESTORE_EMULATOR_HOST"])
    stack.wait_idle()
    before = everything(stack)
    places, token = smoke.local(json.loads((stack.run_folder / ABOUT).read_text()))
    secret: list[str] = []

    def remembered(account: str, audience: str) -> str:
        secret.append(token(account, audience))
        return secret[-1]

    assert places.keys() == deployment().functions.keys()
    assert smoke.run(places, remembered) == []
    assert everything(stack) == before
    seen = observed.calls(stack.run_folder)
    assert any(call.startswith("google.firestore.v1.Firestore/") for call in seen["publish"])
    assert any("/bigquery/" in call for call in seen["collect_analytics"])
    printed = capsys.readouterr().out
    assert secret
    assert not [each for each in secret if each in printed]


def test_a_function_that_does_not_answer_as_it_must_is_named(stack, monkeypatch):
    places, token = smoke.local(json.loads((stack.run_folder / ABOUT).read_text()))
    wrong = {
        "publish": places["channel_data"],
        "watch": smoke.Place(url="http://127.0.0.1:9", audience="", local=True),
    }
    failed = smoke.run(wrong, token)
    assert [each.split()[0] for each in failed] == ["publish", "watch"]
