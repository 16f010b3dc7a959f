"""The audit pack of a small network: a picture of every page of its console, and a deletion."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.cloud import firestore

from infra.audit import __main__ as audit
from infra.audit.pack import as_html
from shared.access import receipts
from shared.access.receipts import RECEIPTS, Receipt


@pytest.fixture(scope="module")
def pack(running, tmp_path_factory):
    """A pack, made as a person makes it."""
    client, now = firestore.Client(project=running.env["GOOGLE_CLOUD_PROJECT"]), running.now()
    receipt = Receipt(
        receipt_id="a" * 24, channel_id="UC-gone", user_id="user-009", by="user", requested_at=now,
        finished_at=now + timedelta(seconds=2), steps={"tokens": {"at": now, "count": 1}}, revocation="revoked",
        expires_at=now + timedelta(days=400),
    )  # fmt: skip
    client.document(receipts.path(receipt.receipt_id)).set(RECEIPTS.fields(receipt))
    folder = tmp_path_factory.mktemp("audit")
    assert audit.main(["--out", str(folder), "--stack", str(running.run_folder)]) == 0
    return folder


def test_there_is_a_picture_of_every_page_and_each_is_in_the_document(pack):
    text = (pack / "index.md").read_text()
    pictures = sorted(path.name for path in pack.glob("*.png"))
    assert "console.png" in pictures
    assert [name for name in pictures if f"]({name})" not in text] == []
    assert text.count("![") == len(pictures)
    for name in pictures:
        assert (pack / name).read_bytes().startswith(b"\x89PNG")


def test_a_deletion_is_told_without_whose_it_was(pack):
    text = (pack / "index.md").read_text()
    assert "a" * 24 in text
    assert "UC-gone" not in text
    assert "user-009" not in text


def test_the_page_is_made_of_the_document(pack):
    assert (pack / "index.html").read_text() == as_html((pack / "index.md").read_text())


def test_without_a_stack_nothing_is_written_and_it_says_so(tmp_path, capsys):
    assert audit.main(["--out", str(tmp_path / "pack"), "--stack", "/nowhere"]) == 1
    assert "make up" in capsys.readouterr().err
    assert not (tmp_path / "pack").exists()
