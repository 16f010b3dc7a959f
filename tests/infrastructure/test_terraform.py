"""What Terraform would make is what is declared, grants no more than is needed, and a mistake in it is found."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections import Counter

import pytest

from infra import privileges
from infra.data_map import group_indexes, ttl_policies
from infra.deployment import deployment
from infra.judges.terraform import PROJECT, Planned
from infra.judges.terraform_schema import SCHEMA, used
from shared.monitoring.alerts import FIRING
from shared.monitoring.calls import MESSAGE, Call
from shared.tokens.health import Notice
from shared.watch.conditions import ALARMS, Condition

DECLARED = deployment()
FUNCTIONS = DECLARED.functions.values()
URL = f"https://{DECLARED.region}-{PROJECT}.cloudfunctions.net/"
BALANCED = {"front": "load-balancer", "domain": "api.example.com"}
POLICIES = "monitoring_alert_policy"


@pytest.fixture(scope="module")
def plan(copied) -> list[Planned]:
    return copied.plan()


@pytest.fixture(scope="module")
def balanced(copied) -> list[Planned]:
    return copied.plan(**BALANCED, alert_policies="each")


def of(plan: list[Planned], kind: str) -> dict[str, dict]:
    """The values of every planned resource of a type, by key."""
    return {each.key: each.values for each in plan if each.kind == f"google_{kind}"}


def test_the_schema_that_judges_knows_every_type_that_is_used():
    schema, (resources, sources) = json.loads(SCHEMA.read_text()), used()
    assert (set(schema["resources"]), set(schema["data"])) == (resources, sources)


def test_a_formatter_would_change_nothing(copied):
    assert copied.run("fmt", "-check", "-recursive", "-list=true") == (0, "")


def test_a_plan_holds_what_is_declared_and_nothing_else(plan):
    expected = {
        "service_account": len(DECLARED.functions) + len(DECLARED.service_accounts),
        "secret_manager_secret": len(DECLARED.secrets),
        "secret_manager_secret_iam_member": sum(len(each.secrets) + len(each.rotates) for each in FUNCTIONS),
        "pubsub_topic": len(DECLARED.topics),
        "pubsub_subscription": len(DECLARED.subscriptions),
        "pubsub_subscription_iam_member": sum(len(each.fetches) for each in FUNCTIONS)
        + sum(each.dead_letter_topic is not None for each in DECLARED.subscriptions.values()),
        "cloud_tasks_queue": len(DECLARED.queues),
        "cloud_tasks_queue_iam_member": sum(len(each.enqueues) for each in FUNCTIONS),
        "cloud_scheduler_job": len(DECLARED.schedules),
        "firestore_database": 1,
        "firestore_field": len(ttl_policies()) + len(group_indexes()),
        "firestore_backup_schedule": 2,
        "bigquery_dataset": 1,
        "storage_bucket_iam_member": sum(each.sources for each in FUNCTIONS),
        "billing_budget": 1,
    }
    found = Counter(each.kind.removeprefix("google_") for each in plan)
    assert {kind: found[kind] for kind in expected} == expected
    assert not [kind for kind in found if kind.startswith(("compute_", "iap_"))]


def test_a_schedule_calls_its_function_as_the_scheduler_with_the_declared_body_and_patience(plan):
    jobs = of(plan, "cloud_scheduler_job")
    for name, declared in DECLARED.schedules.items():
        job = jobs[name]
        (target,) = job["http_target"]
        (token,) = target["oidc_token"]
        assert (job["schedule"], job["time_zone"], job["attempt_deadline"]) == (
            declared.cron,
            declared.zone,
            f"{declared.attempt_deadline}s",
        )
        assert (target["uri"], json.loads(base64.b64decode(target["body"]))) == (
            URL + declared.function,
            declared.body,
        )
        assert token == {
            "audience": URL + declared.function,
            "service_account_email": DECLARED.address("scheduler", PROJECT),
        }


def test_a_subscription_is_pushed_with_an_identity_and_gives_up_where_it_is_declared_to(plan):
    subscriptions = of(plan, "pubsub_subscription")
    for name, declared in DECLARED.subscriptions.items():
        made = subscriptions[name]
        assert made["topic"] == f"projects/{PROJECT}/topics/{declared.topic}"
        assert made["ack_deadline_seconds"] == declared.ack_deadline
        assert made["retry_policy"] == [
            {"minimum_backoff": f"{declared.min_backoff}s", "maximum_backoff": f"{declared.max_backoff}s"}
        ]
        pushed = [(each["push_endpoint"], each["oidc_token"][0]["audience"]) for each in made["push_config"]]
        assert pushed == ([(URL + declared.function,) * 2] if declared.function else [])
        dead = [(each["dead_letter_topic"], each["max_delivery_attempts"]) for each in made["dead_letter_policy"]]
        topic = f"projects/{PROJECT}/topics/{declared.dead_letter_topic}"
        assert dead == ([(topic, declared.max_delivery_attempts)] if declared.dead_letter_topic else [])


def test_a_queue_has_the_declared_rates_and_retries(plan):
    queues = of(plan, "cloud_tasks_queue")
    for name, declared in DECLARED.queues.items():
        (rates,), (retries,) = queues[name]["rate_limits"], queues[name]["retry_config"]
        assert rates["max_dispatches_per_second"] == declared.max_dispatches_per_second
        assert rates["max_concurrent_dispatches"] == declared.max_concurrent_dispatches
        assert (
            retries["max_attempts"],
            retries["min_backoff"],
            retries["max_backoff"],
            retries["max_doublings"],
        ) == (
            declared.max_attempts,
            f"{declared.min_backoff}s",
            f"{declared.max_backoff}s",
            declared.max_doublings,
        )


def test_secrets_are_made_without_a_value_and_the_vault_s_key_is_rotated(plan):
    assert not of(plan, "secret_manager_secret_version")
    for name, made in of(plan, "secret_manager_secret").items():
        rotation = DECLARED.secrets[name].rotation
        assert [each["name"].rpartition("/")[2] for each in made["topics"]] == (
            [rotation["topic"]] if rotation else []
        )
        periods = [f"{rotation['days'] * 86400}s"] if rotation else []
        assert [each["rotation_period"] for each in made["rotation"]] == periods


def test_documents_expire_by_the_data_map_and_the_database_and_the_rows_outlive_a_mistake(plan):
    fields = [each.values for each in plan if each.kind == "google_firestore_field"]
    assert {each["collection"]: each["field"] for each in fields if each["ttl_config"]} == ttl_policies()
    assert {each["collection"]: each["field"] for each in fields if each["index_config"]} == group_indexes()
    assert of(plan, "firestore_database")["state"]["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    dataset = of(plan, "bigquery_dataset")["warehouse"]
    assert (dataset["location"], dataset["delete_contents_on_destroy"]) == (DECLARED.warehouse_location, False)
    assert (dataset["storage_billing_model"], dataset["max_time_travel_hours"]) == ("PHYSICAL", "48")


def test_every_alarm_reaches_everybody_who_is_to_be_told_and_says_what_to_do(plan, balanced):
    of_each = {*GUIDE, "dead-letters", "waiting-messages", "failing-calls", "critical", "error", "warning"}
    for planned, expected in ((plan, {"CRITICAL", "ERROR", "WARNING"}), (balanced, of_each)):
        policies = of(planned, POLICIES)
        assert policies.keys() == {"heartbeat", "webhook", *expected}
        for name, policy in policies.items():
            assert len(policy["notification_channels"]) == 2, name
            assert policy["documentation"][0]["content"], name


GUIDE = {
    "youtube_api_quota_used": "jsonPayload.quota_cost",
    "youtube_api_response_time_ms": "jsonPayload.response_time_ms",
    "youtube_api_error_rate": None,
    "youtube_oauth_refresh_failures": None,
}
"""The owner's guide's metrics (5.1), with the field of which a distribution is kept."""


def test_each_metric_of_the_guide_is_counted_from_fields_that_its_record_has(plan):
    metrics = of(plan, "logging_metric")
    assert metrics.keys() == {"youtube-alarms", *GUIDE}
    fields = {f"jsonPayload.{each.name}" for each in dataclasses.fields(Call)}
    for name, value in GUIDE.items():
        made = metrics[name]
        assert made["value_extractor"] == (f"EXTRACT({value})" if value else None)
        (descriptor,) = made["metric_descriptor"]
        assert descriptor["value_type"] == ("DISTRIBUTION" if value else "INT64")
        assert len(made["bucket_options"]) == bool(value)
        assert {each["key"] for each in descriptor["labels"]} == made["label_extractors"].keys()
        if MESSAGE in made["filter"]:
            read = re.findall(r"EXTRACT\((.+?)\)", " ".join(made["label_extractors"].values()))
            assert {*read, *([value] if value else [])} <= fields
    notices = re.findall(r'"(\w+)"', metrics["youtube_oauth_refresh_failures"]["filter"].partition("notice=")[2])
    assert set(notices) == {Notice.RECONNECT.value, Notice.TROUBLED.value}


@pytest.mark.parametrize("alarm", ALARMS.values(), ids=lambda alarm: alarm.key)
def test_an_alarm_is_told_by_one_policy_of_its_severity(plan, balanced, alarm):
    few, each = (
        [
            (name, policy)
            for name, policy in of(planned, POLICIES).items()
            if _tells(policy["conditions"][0], alarm)
        ]
        for planned in (plan, balanced)
    )
    ((name, policy),) = few
    assert (name, policy["severity"]) == (alarm.severity, alarm.severity)
    ((name, policy),) = each
    assert policy["severity"] == alarm.severity
    assert name == (alarm.key if alarm.key in GUIDE else alarm.severity.lower())
    if alarm.key in GUIDE:
        said = policy["documentation"][0]["content"]
        assert all(text.strip() in said for text in (alarm.stops, alarm.done, alarm.todo, alarm.runbook))
        assert "{" not in said.replace("${", "")


def _tells(condition: dict, alarm: Condition) -> bool:
    """Whether a condition meets an alarm's beginning, as Cloud Monitoring reads its filter."""
    if condition["condition_matched_log"]:
        [asked] = condition["condition_matched_log"]
        read = dict(re.findall(r'([\w.]+)="([^"]*)"', asked["filter"]))
        assert asked["label_extractors"] == {"alert": "EXTRACT(jsonPayload.alert)"}
        return read == {
            "resource.type": "cloud_run_revision",
            "jsonPayload.message": f"alert {FIRING}",
            "severity": alarm.severity,
        }
    (threshold,) = condition["condition_threshold"] or [{"filter": ""}]
    asked = threshold["filter"]
    if "user/youtube-alarms" not in asked:
        return False
    equal = dict(re.findall(r'metric\.labels\.(\w+)="([^"]*)"', asked))
    unequal = re.findall(r'metric\.labels\.alert!="([^"]*)"', asked)
    return {"alert": alarm.key, "severity": alarm.severity}.items() >= equal.items() and alarm.key not in unequal


def test_without_a_balancer_the_app_forwards_each_public_address_to_its_function(copied):
    guarded = copied.plan(front="cloud-run")
    assert not [each.kind for each in guarded if each.kind.startswith("google_compute_")]
    assert list(of(guarded, "iap_web_cloud_run_service_iam_member")) == ["console/group:operators@example.com"]
    assert of(guarded, "cloud_run_v2_service_iam_member")["console"]["role"] == "roles/run.invoker"


def test_a_balancer_leads_every_declared_address_to_its_function_and_guards_the_console(balanced):
    (url_map,) = of(balanced, "compute_url_map").values()
    (matcher,) = url_map["path_matcher"]
    led = {path: rule["service"].rpartition("/")[2] for rule in matcher["path_rule"] for path in rule["paths"]}
    for function in FUNCTIONS:
        for path in function.paths:
            assert led[re.sub(r"/{.*", "/*", path)] == function.service
    backends = of(balanced, "compute_backend_service")
    assert {name: each["iap"][0]["enabled"] for name, each in backends.items()} == {
        each.name: each.trigger == "http-iap" for each in FUNCTIONS if each.paths
    }


def test_nothing_is_granted_that_is_not_needed_and_no_account_is_made_for_nothing(plan, balanced):
    assert [*privileges.problems(plan), *privileges.problems(balanced)] == []


def test_the_printed_table_of_grants_is_terraform_s(plan):
    assert privileges.PAGE.read_text() == privileges.page(plan), "Run: python -m infra.privileges"


def test_trivy_finds_nothing(copied):
    assert copied.findings(**BALANCED) == {}
