"""Names that both code and declaration write out, compared: code is deployed without the declaration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields

import pytest

from infra.deployment import ROOT, deployment
from shared.cloud import pubsub
from shared.collection import ingest, planner
from shared.publishing import tasks
from shared.push import keys
from shared.settings import CALLBACK_SECRET, HUB_KEY_SECRET, OAUTH_CLIENT_SECRET, VAULT_KEY_SECRET, Settings
from shared.wiring import access, watch


def test_the_queues_of_the_code_are_the_declared_ones():
    queues = {planner.QUEUE, ingest.QUEUE, access.QUEUE, tasks.QUEUE, tasks.CALLBACKS, watch.QUEUE}
    assert queues == set(deployment().queues)


def test_the_topic_that_is_published_to_is_the_one_that_ingest_takes():
    assert deployment().functions["ingest"].topic == pubsub.INGEST_TOPIC


def test_notices_go_to_a_topic_that_somebody_can_read():
    assert pubsub.ALERTS_TOPIC in {each.topic for each in deployment().subscriptions.values()}


def test_the_call_log_waits_where_ingest_fetches_it_and_whoever_calls_youtube_may_write_it():
    subscription = deployment().subscriptions[pubsub.CALLS_TOPIC]
    assert (subscription.topic, subscription.function) == (pubsub.CALLS_TOPIC, None)
    functions = deployment().functions.values()
    assert [each.name for each in functions if each.fetches] == ["ingest"]
    only_google = {"oauth_start", "oauth_disconnect", "refresh_tokens"}  # call its OAuth, no API of YouTube
    calling = {each.name for each in functions if VAULT_KEY_SECRET in each.secrets} - only_google
    assert {each.name for each in functions if pubsub.CALLS_TOPIC in each.publishes} == calling


def test_an_instance_serves_one_request_at_a_time_but_for_the_webhook_which_calls_nobody_of_youtube_s():
    several = [each for each in deployment().functions.values() if each.concurrency > 1]
    assert [each.name for each in several] == ["webhook"]
    assert not any(pubsub.CALLS_TOPIC in each.publishes for each in several)  # calls are kept until a request ends


def test_the_secrets_of_the_code_are_the_declared_ones():
    assert {OAUTH_CLIENT_SECRET, VAULT_KEY_SECRET, CALLBACK_SECRET, HUB_KEY_SECRET} == set(deployment().secrets)


def test_the_variable_that_holds_the_hub_s_key_is_the_declared_one():
    found = [each.variables for each in deployment().functions.values() if each.mounted]
    assert found == [{keys.VARIABLE: HUB_KEY_SECRET}] * 2


def test_the_region_that_code_assumes_is_the_declared_one():
    assert {item.name: item.default for item in fields(Settings)}["region"] == deployment().region


NAMED_AT = {"enqueue": {"queue": 0, "function": 2}, "plan": {"function": 0}}
"""Calls that queue tasks, and which of their arguments names what."""


def _literals() -> Iterator[tuple[str, str, object]]:
    """Place, kind and name of every queue and function that such a call writes out."""
    for path in sorted(path for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            for kind, position in NAMED_AT.get(called, {}).items():
                argument = node.args[position] if position < len(node.args) else None
                if isinstance(argument, ast.Constant):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", kind, argument.value


@pytest.mark.parametrize(("place", "kind", "name"), [*_literals()])
def test_a_task_goes_to_a_declared_queue_and_to_a_function_that_takes_tasks(place, kind, name):
    if kind == "queue":
        assert name in deployment().queues
    else:
        assert "task-queues" in deployment().functions[name].callers


def test_attempts_at_operations_go_to_a_function_that_takes_tasks():
    assert "task-queues" in deployment().functions[tasks.FUNCTION].callers
