"""Each connection in plain words, and the one thing to do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.channels import Capability, Refusal
from shared.console.connections import DELETION_STUCK as STUCK
from shared.console.connections import Urgency
from shared.console.words import words
from shared.monitoring import alerts
from shared.tokens.grants import LOST_FOR
from shared.tokens.health import CONNECTED, DISCONNECTING, REAUTH_REQUIRED, TROUBLED, Outcome
from shared.youtube.policy import policy
from tests.pure.console.network import ANALYTICS, APP, NOW, channel, rows

LATE = {"synced_at": NOW - timedelta(hours=25)}
WARNED = {"warnings": {"timeLimited": NOW + timedelta(days=3)}}
UNTICKED = {"capabilities": {"analytics": ANALYTICS, "revenue": Capability(False, "unticked")}}


def row(**fields):
    return rows(channel(**fields))[0]


@pytest.mark.parametrize(
    ("fields", "urgency", "says"),
    [
        ({}, Urgency.NOTHING, "Nothing"),
        ({"state": REAUTH_REQUIRED}, Urgency.NOW, "Ask user-001 to connect this channel again"),
        ({"state": TROUBLED}, Urgency.NOTHING, "Nothing"),
        ({"state": TROUBLED, **LATE}, Urgency.NOTHING, "Nothing"),
        ({"state": DISCONNECTING, **WARNED, "state_since": NOW - STUCK / 2}, Urgency.NOTHING, "Nothing"),
        ({"state": DISCONNECTING, **WARNED, "state_since": NOW - STUCK}, Urgency.NOW, "Its deletion does not"),
        (WARNED, Urgency.SOON, "before 25 Nov 2026: its owner gave the permission for a limited time"),
        ({"warnings": {"crowded": NOW}}, Urgency.SOON, "soon: its Google account"),
        (LATE, Urgency.NOW, "Its reports are overdue"),
        (UNTICKED, Urgency.OPTIONAL, "For revenue figures"),
        # Several at once: one thing to do, the one that settles most.
        ({"state": REAUTH_REQUIRED, **LATE, **WARNED, **UNTICKED}, Urgency.NOW, "connect this channel again"),
        ({**LATE, **WARNED}, Urgency.SOON, "connect this channel again"),
        ({**LATE, **UNTICKED}, Urgency.NOW, "Its reports are overdue"),
    ],
)
def test_there_is_one_thing_to_do(fields, urgency, says):
    todo = row(**fields).todo
    assert todo.urgency is urgency
    assert says in todo.text


AGAIN = "Ask user-001 to connect this channel again in the app, choosing “A channel” at Google"
OR_LOST = f"{AGAIN}, before 29 Nov 2026, 20:30 UTC: then all its data is deleted."
STANDS = [
    (CONNECTED, "", "Connected", "", "Nothing"),
    (TROUBLED, "googleUnavailable", "Troubled", "Google does not renew permissions at the moment.", "Nothing"),
    (REAUTH_REQUIRED, "invalidGrant", "Connect again", "Google no longer accepts its permission", OR_LOST),
    (REAUTH_REQUIRED, "googleRefused", "Connect again", "Google refused several times", OR_LOST),
    (DISCONNECTING, "user", "Disconnecting", "Its owner asked for it.", "Nothing"),
    (DISCONNECTING, "lost", "Disconnecting", "Nobody connected it again in time.", "Nothing"),
]


@pytest.mark.parametrize(("state", "reason", "standing", "why", "todo"), STANDS)
def test_each_state_is_shown_with_its_reason_and_the_one_thing_to_do(state, reason, standing, why, todo):
    found = row(state=state, state_reason=reason, state_since=NOW)
    assert (found.shown["standing"], found.todo.text) == (standing, todo)
    assert found.shown["why"].startswith(why)
    assert bool(found.shown["why"]) == bool(why)


def test_no_state_is_left_out():
    assert {state for state, *_ in STANDS} == words("states").keys()


@pytest.mark.parametrize("kind", ["testing", "timeLimited", "unused", "crowded"])
def test_every_end_that_is_announced_is_told_with_what_averts_it(kind):
    todo = row(warnings={kind: NOW + timedelta(days=3)}).todo
    assert (todo.urgency, todo.link) == (Urgency.SOON, APP)
    assert todo.text.startswith(AGAIN)
    assert not todo.text.endswith(f": {kind}.")


def test_connecting_again_names_the_channel_and_leads_to_the_app():
    todo = row(state=REAUTH_REQUIRED, title="Tide & Time").todo
    assert "“Tide & Time”" in todo.text
    assert todo.link == APP


@pytest.mark.parametrize(
    ("age", "late"), [(timedelta(hours=24, minutes=59), ""), (timedelta(hours=25), "overdue")]
)
def test_a_channel_is_overdue_after_25_hours(age, late):
    assert row(synced_at=NOW - age).shown["late"] == late
    assert row(synced_at=None, connected_at=NOW - age).shown["late"] == late


@pytest.mark.case("A7")
@pytest.mark.parametrize("reason", ["notAsked", "unticked"])
def test_a_connection_that_only_publishes_has_no_reports_that_could_be_overdue(reason):
    can = {"analytics": Capability(False, reason), "publish": Capability(True, "granted")}
    found = row(synced_at=None, connected_at=NOW - timedelta(days=30), capabilities=can)
    assert not found.shown["late"]
    assert found.todo.urgency >= Urgency.OPTIONAL


@pytest.mark.fault(67)
@pytest.mark.parametrize("api", alerts.APIS)
def test_a_connection_that_youtube_refuses_says_why_and_until_when_and_is_not_overdue(api):
    until = NOW + timedelta(hours=20)
    paused = row(refusals={api: Refusal(reason="forbidden", since=NOW, until=until)}, synced_at=None)
    for_good = row(refusals={api: Refusal(reason="channelSuspended", since=NOW, until=None)}, synced_at=None)
    assert (paused.shown["standing"], for_good.shown["standing"]) == ("Refused by YouTube", "Refused by YouTube")
    assert paused.shown["why"].startswith(policy().rules["forbidden"].says)
    assert paused.shown["why"].endswith(f" again from {until:%-d %b, %H:%M} UTC on.")
    assert for_good.shown["why"].startswith(policy().rules["channelSuspended"].says)
    assert for_good.shown["why"].endswith(" until it is connected again.")
    assert api not in paused.shown["why"] + for_good.shown["why"]
    assert for_good.todo.urgency is Urgency.NOW
    assert for_good.todo.text.startswith(AGAIN)
    if api == "youtubereporting":
        assert not paused.shown["late"]
        assert paused.todo.text == "Nothing"


@pytest.mark.case("A8")
def test_a_connection_that_is_deleted_in_four_hours_says_when():
    todo = row(state=REAUTH_REQUIRED, state_since=NOW + timedelta(hours=4) - LOST_FOR).todo
    assert "before 23 Nov 2026, 00:30 UTC: then all its data is deleted" in todo.text


def test_a_channel_whose_work_has_stopped_is_not_overdue():
    assert not row(state=REAUTH_REQUIRED, **LATE).shown["late"]


@pytest.mark.parametrize(
    "reason", [outcome.value for outcome in (Outcome.GRANT_DEAD, Outcome.REFUSED, Outcome.UNAVAILABLE)]
)
def test_every_reason_of_a_bad_state_is_a_sentence(reason):
    why = row(state=REAUTH_REQUIRED, state_reason=reason).shown["why"]
    assert why.endswith(".")
    assert reason not in why


def test_while_google_refuses_our_client_no_working_connection_looks_well_and_no_owner_is_asked():
    network = rows(
        channel("UC1"),
        channel("UC2", state=TROUBLED, **WARNED),
        channel("UC3", state=REAUTH_REQUIRED, state_reason="invalidGrant"),
        client_refused=True,
    )
    found = {row.shown["channel_id"]: row for row in network}
    for working in ("UC1", "UC2"):
        assert found[working].todo.urgency is Urgency.NOW
        assert found[working].todo.text.startswith("Mend our OAuth client")
        assert "cannot be renewed" in found[working].shown["why"]
    assert "connect this channel again" in found["UC3"].todo.text
    assert all(row.needs_somebody for row in network)


def test_what_is_missing_is_said_with_its_reason():
    found = row(
        capabilities={
            "analytics": Capability(True, "granted"),
            "revenue": Capability(False, "unticked"),
            "publish": Capability(False, "notAsked"),
        }
    )
    assert found.shown["lacks"] == [
        "No revenue figures: its owner unticked this on Google's page.",
        "No publishing: was not asked for.",
    ]


def test_those_who_need_somebody_come_first():
    network = rows(
        channel("UC1", title="a"),
        channel("UC2", title="z", state=REAUTH_REQUIRED),
        channel("UC3", title="b", **WARNED),
    )
    assert [found.shown["channel_id"] for found in network] == ["UC2", "UC3", "UC1"]
    assert [found.needs_somebody for found in network] == [True, True, False]


def test_an_owner_is_asked_for_what_is_theirs_and_not_for_what_is_ours():
    (lost,) = rows(channel(state=REAUTH_REQUIRED), mine=True)
    assert lost.shown["todo"]["text"].startswith("Connect this channel again in the app")
    (late,) = rows(channel(**LATE), mine=True)
    assert late.shown["todo"] == {
        "urgency": Urgency.NOTHING, "text": "Nothing: our operators see to it.", "link": None, "code": None,
    }  # fmt: skip
