"""What is deployed is declared once, and everything that names a function names the same ones."""

from __future__ import annotations

import copy
import re

import pytest
import yaml

from infra.deployment import DECLARATION, ROOT, deployment, parse


@pytest.fixture
def document() -> dict:
    return copy.deepcopy(yaml.safe_load(DECLARATION.read_text()))


def test_every_declared_function_has_a_folder_and_every_folder_is_declared(record_property):
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert folders == set(deployment().functions)
    record_property("mistake", "functions/: a folder that is not declared, a declaration without a folder")


def test_every_function_is_documented():
    page = (ROOT / "infra" / "docs" / "functions.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert set(deployment().functions) <= set(rows)


def test_an_entry_point_is_short_enough_to_hold_no_rule():
    lengths = {
        name: len((ROOT / "functions" / name / "main.py").read_text().splitlines())
        for name in deployment().functions
    }
    assert {name: length for name, length in lengths.items() if length > 75} == {}


def test_schedules_call_private_functions_that_allow_the_scheduler():
    declared = deployment()
    for schedule in declared.schedules.values():
        assert "scheduler" in declared.functions[schedule.function].callers


def test_what_a_pubsub_function_cannot_take_ends_where_somebody_keeps_it():
    declared = deployment()
    kept = {each.topic for each in declared.subscriptions.values() if each.function is None}
    for subscription in declared.subscriptions.values():
        if subscription.function is not None and declared.functions[subscription.function].trigger == "pubsub":
            assert subscription.dead_letter_topic in kept


def test_no_more_erasures_run_at_once_than_bigquery_lets_wait_for_one_table():
    """DELETE statements of one table: 2 run and 20 wait; an instance sends one after the other."""
    ingest = deployment().functions["ingest"]
    assert ingest.max_instances * ingest.concurrency <= 2 + 20


def test_whoever_is_pushed_to_allows_pubsub():
    declared = deployment()
    for subscription in declared.subscriptions.values():
        if subscription.function is not None:
            assert "pubsub-push" in declared.functions[subscription.function].callers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["functions"]["ingest"].update(topic="nowhere"), "undeclared topic 'nowhere'"),
        (lambda d: d["functions"]["ingest"].update(callers=["nobody"]), "undeclared service account 'nobody'"),
        (lambda d: d["functions"]["webhook"].update(callers=["task-queues"]), "private functions, and only they"),
        (lambda d: d["functions"]["webhook"].update(secrets=["none"]), "undeclared secret 'none'"),
        (lambda d: d["functions"]["webhook"].update(trigger="magic"), "unknown trigger 'magic'"),
        (lambda d: d["functions"]["webhook"].update(colour="red"), "webhook: unknown ['colour']"),
        (
            lambda d: d["schedules"].update(
                odd={"function": "x", "cron": "* * * * *", "zone": "Etc/UTC", "attempt_deadline": 600, "body": {}}
            ),
            "'x'",
        ),
        (lambda d: d["subscriptions"]["ingest"].update(dead_letter_topic="gone"), "undeclared topic 'gone'"),
        (
            lambda d: d["functions"]["ingest"].update(topic="ingest-dead"),
            "ingest delivers 'ingest', but ingest takes 'ingest-dead'",
        ),
        (lambda d: d["subscriptions"].pop("ingest"), "ingest: no subscription delivers its topic 'ingest'"),
        (lambda d: d["functions"]["ingest"].pop("topic"), "ingest: functions with the trigger pubsub, and only"),
        (lambda d: d["functions"]["webhook"].update(topic="ingest"), "webhook: functions with the trigger pubsub"),
        (
            lambda d: d["functions"]["webhook"].update(paths=["/console/{name}"]),
            "console has the path '/console/{page}', which webhook has",
        ),
        (
            lambda d: d["schedules"]["refresh-tokens"].update(cron="99 * * * *"),
            "refresh-tokens has the impossible",
        ),
        (
            lambda d: d["schedules"]["refresh-tokens"].update(cron="0 0 31 2 *"),
            "refresh-tokens has the impossible",
        ),
        (lambda d: d["schedules"]["refresh-tokens"].update(cron="0 0 * * * *"), "cron '0 0 * * * *'"),
        (lambda d: d["functions"]["webhook"].pop("memory"), "functions.webhook: ['memory'] missing"),
        (lambda d: d.pop("queues"), "missing or unknown sections ['queues']"),
        (lambda d: d.update(shedules={}), "missing or unknown sections ['shedules']"),
    ],
)
def test_a_contradiction_is_named_with_its_owner(document, record_property, change, message):
    change(document)
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(document)
    record_property("mistake", f"deployment.yaml: {message}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(region="us-cental1"), "region 'us-cental1': no region"),
        (lambda d: d.update(warehouse_location="us"), "location 'us': BigQuery has US"),
        (lambda d: d["service_accounts"].update(tasks=""), "service account 'tasks': 6 to 30 characters"),
        (lambda d: d["queues"].update(up_loads=d["queues"]["collect"]), "queue 'up_loads': at most 100 letters"),
        (lambda d: d["topics"].update({"goog-news": {}}), "topic 'goog-news': 3 to 255 characters"),
        (lambda d: d["topics"].update(in_={}, at={}), "topic 'at': 3 to 255 characters"),
        (lambda d: d["secrets"].update({"a.b": {"holds": "", "fill": ""}}), "secret 'a.b': at most 255"),
        (lambda d: d["functions"].update(Big=d["functions"]["publish"]), "function 'Big': at most 63 characters"),
        (
            lambda d: d["functions"].update(a_name_that_is_too_long_for_an_account=d["functions"]["publish"]),
            "service account 'run-a-name-that-is-too-long-for-an-account': 6 to 30 characters",
        ),
        (lambda d: d["functions"]["publish"].update(cpu=0.25, concurrency=8), "publish: concurrency 8: needs"),
        (lambda d: d["functions"]["publish"].update(memory="4Gi"), "publish: cpu 0.5: 4Gi needs at least 1"),
        (lambda d: d["functions"]["publish"].update(timeout=4000), "publish: timeout 4000: 1 to 3600 seconds"),
        (lambda d: d["functions"]["publish"].update(max_instances=0), "publish: max_instances 0: 1 to 1000"),
        (
            lambda d: d["schedules"]["refresh-tokens"].update(attempt_deadline=3600),
            "refresh-tokens: attempt_deadline 3600: 15 to 1800",
        ),
        (
            lambda d: d["schedules"]["refresh-tokens"].update(attempt_deadline=180),
            "refresh-tokens no longer waits while refresh_tokens may still run (540 s)",
        ),
        (lambda d: d["queues"]["collect"].update(max_doublings=17), "collect: max_doublings 17: 0 to 16"),
        (lambda d: d["subscriptions"]["ingest"].update(ack_deadline=601), "ingest: ack_deadline 601: 10 to 600"),
        (lambda d: d["subscriptions"]["ingest"].update(max_delivery_attempts=4), "max_delivery_attempts 4: 5 to"),
        (lambda d: d["functions"]["publish"].update(rotates=["none"]), "undeclared secret 'none'"),
    ],
)
def test_what_google_cloud_would_refuse_is_refused_when_the_declaration_is_read(
    document, record_property, change, message
):
    change(document)
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(document)
    record_property("mistake", f"deployment.yaml: {message}")


def test_whoever_rotates_a_secret_reads_it_and_reaches_the_rotation():
    rotating = {each.name for each in deployment().functions.values() if each.rotates}
    assert rotating == {name for name in deployment().functions if rotates_keys(name)}
    assert all(set(each.rotates) <= set(each.secrets) for each in deployment().functions.values())


def rotates_keys(function: str) -> bool:
    """Whether its entry point names the rotation; what does the work is part of the vault for everybody."""
    return "rotat" in (ROOT / "functions" / function / "main.py").read_text().lower()


def test_an_address_of_an_undeclared_account_is_refused():
    with pytest.raises(ValueError, match="not declared"):
        deployment().address("nobody", "p")
