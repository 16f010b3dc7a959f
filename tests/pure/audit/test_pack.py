"""The audit pack says what the code does, of everybody's data, and names nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.audit.pack import Facts, Screen, as_html, as_markdown, policies
from infra.deployment import ROOT
from infra.endpoints import endpoints
from shared.access.features import FEATURES
from shared.access.receipts import Receipt
from shared.data_map import COLLECTIONS
from shared.warehouse.tables import TABLES

NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)
RECEIPT = Receipt(
    receipt_id="9f2c", channel_id="UChidden", user_id="user-hidden", by="user",
    requested_at=NOW - timedelta(days=2), finished_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=400), revocation="revoked",
    steps={"tokens": {"at": NOW, "count": 1}, "warehouse": {"at": NOW, "count": None}},
)  # fmt: skip
SCREEN = Screen(address="/console/channels", title="Channels", file="console-channels.png", attributed=True)
FACTS = Facts(project="acme", made_at=NOW, aggregation="", receipts=[RECEIPT], screens=[SCREEN])
TEXT = as_markdown(FACTS)
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))


def section(title: str, text: str = TEXT) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_scope_is_there_with_google_s_words_and_what_it_is_used_for():
    rows = section("What users are asked for").splitlines()
    for scope in {"openid", *(scope for scopes in FEATURES.values() for scope in scopes)}:
        (row,) = (row for row in rows if row.startswith(f"| `{scope}` |"))
        assert all(cell.strip() for cell in row.strip("|").split("|")), row
    (upload,) = (row for row in rows if "auth/youtube.upload`" in row)
    assert "Manage your YouTube videos" in upload
    assert "`youtube.videos.insert`" in upload


def test_every_method_that_is_called_needs_a_scope_that_is_asked_for():
    asked = section("What users are asked for")
    assert [method for method in endpoints() if f"`{method}`" not in asked] == []


def test_everything_that_is_kept_is_there_with_how_long_and_what_a_disconnect_leaves():
    stored, tables = (
        section("What Firestore keeps, and how long"),
        section("What the warehouse keeps, and how long"),
    )
    assert [each.path for each in COLLECTIONS if f"| `{each.path}` |" not in stored] == []
    assert [each.name for each in TABLES if f"| `{each.name}` |" not in tables] == []
    assert "| `report_loads` | while the channel is connected | deleted |" in tables
    assert "| `internal_metrics` | for good | stays: none of it is YouTube's |" in tables


@pytest.mark.parametrize(
    ("receipt", "says"),
    [
        (RECEIPT, "in time"),
        (replace(RECEIPT, finished_at=RECEIPT.requested_at + timedelta(days=8)), "late"),
        (replace(RECEIPT, finished_at=None), "under way"),
    ],
)
def test_a_receipt_says_what_was_deleted_when_and_names_nobody(receipt, says):
    text = as_markdown(replace(FACTS, receipts=[receipt]))
    (row,) = (row for row in section("The last deletions", text).splitlines() if "9f2c" in row)
    _, _, asked, by, done, deleted, revocation, _ = (cell.strip() for cell in row.split("|"))
    assert (asked, by, revocation) == ("2026-11-22T20:00:00+00:00", "user", "revoked")
    assert says in done
    assert deleted == "tokens: 1<br>warehouse: under way"
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("setting", "says"),
    [("", "none"), ("one-content-owner", "content owner"), ("amendment-accepted", "amendment")],
)
def test_the_aggregation_setting_is_told(setting, says):
    assert says in section("Numbers of several channels", as_markdown(replace(FACTS, aggregation=setting)))


def test_every_policy_names_code_that_is_there_and_tests_that_are():
    for each in policies():
        assert [path for path in each["code"] if not (ROOT / path).is_file()] == []
        assert [name for name in each["tests"] if f"def {name}(" not in TESTS] == []
        assert each["demands"] in section("YouTube's policies, and where they are kept")


def test_the_page_is_the_same_as_the_document_and_obeys_no_title():
    hostile = replace(SCREEN, title="<script>alert(1)</script> *x*|y", attributed=False)
    page = as_html(as_markdown(replace(FACTS, screens=[SCREEN, hostile])))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; *x*|y" in page
    assert page.count('<img src="console-channels.png"') == 2
    assert "<strong>without</strong> a link to YouTube" in page
    assert re.findall(r"<h2>(.*?)</h2>", page) == re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
