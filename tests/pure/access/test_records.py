"""The decision records name tests; those tests exist."""

import re

import pytest

from infra.deployment import ROOT

RECORDS = ("consent.md", "vault.md", "token-refresh.md")


@pytest.mark.parametrize("record", RECORDS)
def test_every_test_that_a_record_names_exists(record):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "infra" / "decisions" / record).read_text()))
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name in named if f"def {name}(" not in written]
