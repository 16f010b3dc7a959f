"""What the documentation says of this tree is true of it."""

from __future__ import annotations

import re

import pytest

from infra.deployment import ROOT
from infra.readme import README, renewed

DOCUMENTS = [README, *sorted((ROOT / "infra").rglob("*.md"))]
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))


def test_what_the_readme_prints_from_the_code_is_the_code_s():
    assert renewed(README.read_text()) == README.read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_a_document_names_exists(document):
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", document.read_text()))
    assert {name for name in named if f"def {name}(" not in TESTS} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_make_target_that_the_readme_names_is_there():
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README.read_text()))
    defined = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named <= defined
