"""Mistakes planted in the configuration, the declaration, the variables: each is found before a deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from infra import privileges

PLANTED = (
    (
        "messages.tf",
        "ack_deadline_seconds ",
        "ack_deadline ",
        'An argument named "ack_deadline" is not expected here',
    ),
    ("secrets.tf", "  replication {\n    auto {}\n  }\n", "", 'At least 1 "replication" blocks are required'),
    (
        "work.tf",
        'caller["scheduler"]',
        'callers["scheduler"]',
        'resource "google_service_account" "callers" has not been',
    ),
    ("firestore.tf", "  daily_recurrence {}\n", "  hourly_recurrence {}\n", "hourly_recurrence"),
    (
        "outputs.tf",
        "local.urls[name]",
        "var.urls[name]",
        'An input variable with the name "urls" has not been declared',
    ),
)
OF_VALUES = (
    ("../deployment.yaml", "function: watch, cron", "function: wach, cron", '"wach"'),
    ("../deployment.yaml", "publishes: [ingest]", "publishes: [ingst]", '"ingst"'),
    ("../deployment.yaml", "secrets: [youtube-hub-key]", "secrets: [hub-key]", '"hub-key"'),
)
TOO_MUCH = (
    (
        "warehouse.tf",
        "roles/bigquery.jobUser",
        "roles/editor",
        "roles/editor on project example-project: not a role",
    ),
    (
        "firestore.tf",
        '"resource.name ==',
        '"true || resource.name ==',
        "roles/datastore.user on the whole project",
    ),
    (
        "secrets.tf",
        "member    = local.members[each.value.function]",
        'member    = "allUsers"',
        "is open to everybody",
    ),
)


Judged = Callable[[str, Iterable[str]], list[str]]


@pytest.fixture
def missed(record_property) -> Judged:
    """Which words are not among what was said, whatever its line ends; each that is becomes a line of the list."""

    def judge(said: str, wanted: Iterable[str]) -> list[str]:
        told, wanted = " ".join(said.split()), list(wanted)
        for words in wanted:
            if words in told:
                record_property("mistake", f"terraform: {words}")
        return [words for words in wanted if words not in told]

    return judge


def test_a_wrong_argument_a_missing_block_and_a_dangling_reference_are_found(spoilt, missed):
    _, said = spoilt(*(each[:3] for each in PLANTED)).run("validate", "-no-color")
    assert missed(said, (words for *_, words in PLANTED)) == []


def test_a_name_in_the_declaration_that_stands_for_nothing_is_found(spoilt, missed):
    said = spoilt(*(each[:3] for each in OF_VALUES)).problems()
    assert missed(said, (words for *_, words in OF_VALUES)) == []


def test_variables_that_are_missing_or_cannot_be_are_refused_in_words(copied, missed):
    without = copied.problems(project=None)
    assert missed(without, ["not suitable for var.project", "required variable may not be set to null"]) == []
    said = copied.problems(
        project="Example", alert_emails=[], front="load-balancer", console_people=["allUsers"], monthly_budget=0.5
    )
    wanted = (
        "A project id has 6 to 30",
        "At least one e-mail address",
        "A load balancer needs a host name",
        "never allUsers",
        "A whole number of at least 1",
    )
    assert missed(said, wanted) == []


def test_an_account_that_may_do_too_much_or_is_used_by_nobody_is_found(spoilt, missed):
    found = "\n".join(privileges.problems(spoilt(*(each[:3] for each in TOO_MUCH)).plan()))
    assert missed(found, (words for *_, words in TOO_MUCH)) == []


def test_trivy_finds_a_cipher_that_is_too_weak(spoilt):
    weak = spoilt(("front.tf", 'min_tls_version = "TLS_1_2"', 'min_tls_version = "TLS_1_0"'))
    found = weak.findings(front="load-balancer", domain="api.example.com")
    assert any("TLS" in title for title in found.values())


EXPLAINED = {
    # A key of one's own costs money and can be lost; Google encrypts, and tokens are sealed under the vault's key.
    "CKV_GCP_81 google_bigquery_dataset.warehouse",
    # Messages name reports and videos; they carry no token and no number.
    "CKV_GCP_83 google_pubsub_topic.this",
    # A rule against Log4j's fault of 2021: nothing here is Java.
    "CKV_GCP_73 google_compute_security_policy.front",
}
"""What checkov finds and why it stays so."""


def test_checkov_finds_what_is_explained_and_a_planted_mistake_and_nothing_else(spoilt):
    weak = spoilt(("front.tf", 'profile         = "MODERN"', 'profile         = "COMPATIBLE"'))
    found = weak.policies(front="load-balancer", domain="api.example.com")
    assert {each.partition("[")[0] for each in found} == EXPLAINED | {"CKV_GCP_4 google_compute_ssl_policy.front"}
