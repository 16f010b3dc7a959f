"""Whatever the size of a network, a look at it reads a bounded number of documents; lists go on to their end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.bench.looking import PAGES, fill
from infra.bench.looking import reads as sources
from shared.clock import system_clock
from shared.console.parts import seen
from shared.console.read import PAGE, Ask
from shared.data_map import OPERATIONS
from shared.monitoring import alerts
from shared.publishing.operation import Operations, State
from tests.pure.console.network import failed, operation

MANY = 700


@pytest.fixture
def network(firestore_client):
    """700 channels with troubles of every kind, and more failed operations than a page lists."""
    fill(firestore_client, MANY)
    for number in range(70):
        Operations(firestore_client).create((failed if number % 2 else operation)(number))
    alerts.tell(firestore_client, alerts.OAUTH_CLIENT, "Wrong.", system_clock())
    return sources(firestore_client)


def look(network, page, **query):
    return seen(network, page, Ask(query=query, now=system_clock()))


def test_the_overview_reads_at_most_60_documents_and_any_other_page_four_for_each_of_its_rows(network, reads):
    reads()
    told = look(network, "overview")
    assert reads() <= 60
    assert told.problems == []
    assert told.parts["figures"]["channels"] == MANY
    kinds = {row["kind"] for row in told.parts["wrong"]}
    assert kinds == {"alert", "channel", "operation"}
    for page, asked in PAGES.items():
        look(network, page, **asked)
        assert reads() <= 4 * PAGE + 60, page


def test_what_needs_somebody_is_found_whatever_is_wrong_with_it(network):
    rows = look(network, "channels", state="attention").parts["channels"].rows
    texts = " ".join(row["todo"]["text"] for row in rows)
    assert all(row["todo"]["urgency"] <= 1 for row in rows)
    assert len(rows) == 14 + 10 + 8
    for said in ("then all its data is deleted", "while the OAuth client is in testing", "once what YouTube says"):
        assert said in texts


def test_a_list_of_operations_goes_on_to_its_end(network, firestore_client):
    found, after = [], ""
    gone = look(network, "operations", state="failed", after=operation(2).id).parts["failed"]
    assert len(gone.rows) == 35
    for number in range(40):
        Operations(firestore_client).create(failed(1_000 + number))
    while after is not None:
        listed = look(network, "operations", state="failed", after=after).parts["failed"]
        assert len(listed.rows) <= PAGE
        found += [row["id"] for row in listed.rows]
        after = listed.next
    every = firestore_client.collection(OPERATIONS.path).where("state", "==", State.FAILED.value).stream()
    assert sorted(found) == sorted(each.id for each in every)
    assert len(found) == 75


def test_what_has_ended_long_ago_is_no_longer_among_the_alerts(network, firestore_client):
    alerts.tell(firestore_client, alerts.OAUTH_CLIENT, None, system_clock())
    assert [each["key"] for each in look(network, "alerts").parts["ended"]] == [alerts.OAUTH_CLIENT]
    long_ago = system_clock() - timedelta(days=31)
    firestore_client.document(alerts.COLLECTION, alerts.OAUTH_CLIENT).update({"since": long_ago})
    assert look(network, "alerts").parts["ended"] == []
