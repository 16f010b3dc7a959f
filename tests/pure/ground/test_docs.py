"""What the documentation says of this tree is true of it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from infra.deployment import ROOT
from infra.documents import DOCS, TABLES, pages, renewed, tables_in
from shared.errors import InvalidRequest
from shared.publishing.api import command, listing, submission
from shared.publishing.plan import intents
from shared.publishing.requests import KINDS, parse

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "tests" / "README.md", *sorted((ROOT / "infra").rglob("*.md"))]
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))
README_MOST_LINES = 140

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_what_a_page_prints_from_the_code_is_the_code_s(page):
    assert renewed(page.read_text()) == page.read_text()


def test_every_table_stands_in_one_page():
    placed = [name for page in pages() for name in tables_in(page.read_text())]
    assert sorted(placed) == sorted(TABLES)


def test_the_readme_leads_to_every_page():
    text = README.read_text()
    assert [page.name for page in DOCS.glob("*.md") if f"(infra/docs/{page.name})" not in text] == []


def test_the_readme_is_read_in_one_sitting():
    assert len(README.read_text().splitlines()) <= README_MOST_LINES


@every_document
def test_every_test_that_a_document_names_exists(document):
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", document.read_text()))
    assert {name for name in named if f"def {name}(" not in TESTS} == set()


@every_document
def test_every_link_to_a_file_leads_somewhere(document):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@every_document
def test_every_file_that_a_document_names_is_there(document):
    named = re.findall(r"`((?:functions|shared|infra|tests)/[\w./-]+)`", document.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_document
def test_every_make_target_that_a_document_names_is_there(document):
    named = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]+)", document.read_text(), flags=re.MULTILINE))
    defined = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named <= defined


def test_every_decision_says_when_it_was_taken_and_whether_it_holds():
    status = re.compile(r"# .+\n\n\*\d{1,2} [A-Z][a-z]+ \d{4}\. (Accepted|Replaced by \[.+\]\(.+\.md\))\.\*\n\n")
    decisions = sorted((ROOT / "infra" / "decisions").glob("*.md"))
    assert [path.name for path in decisions if not status.match(path.read_text())] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_on_publishing_names_exactly_the_fields_that_are_read(kind):
    (cell,) = re.findall(rf"^\| `{kind}` \| (.+) \|$", (DOCS / "publishing.md").read_text(), flags=re.MULTILINE)
    with pytest.raises(InvalidRequest) as refused:
        parse({"idempotency_key": "1", "channel_id": f"UC{'a' * 22}", kind: {"odd": 1}}, now=datetime.now(UTC))
    known = refused.value.message.rpartition("known are ")[2].rstrip(".").split(", ")
    assert sorted(re.findall(r"`(\w+)`", cell)) == sorted(known)


def test_the_examples_of_the_page_on_publishing_are_read_and_stand_for_every_kind():
    examples = re.findall(r"```json\n(.+?)```", (DOCS / "publishing.md").read_text(), flags=re.DOTALL)
    readers = {"plan": intents, "list": listing, "read": command}
    shown = []
    for body in map(json.loads, examples):
        if "action" in body:
            readers[body["action"]](body)
            shown.append(body["action"])
        else:
            shown.append(parse(submission(body)[0], now=datetime(2026, 11, 28, tzinfo=UTC)).kind)
    assert set(shown) == {*KINDS, *readers}
