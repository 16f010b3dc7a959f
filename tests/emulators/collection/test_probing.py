"""What connections are allowed is probed when nobody uses it: known when it dies, and when it is back."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.warehouse import table as made
from shared import channels
from shared.access.features import FEATURES, scopes_for
from shared.channels import Capability
from shared.collection.probing import probe_due
from shared.collection.refusals import Storing
from shared.monitoring import alerts
from shared.warehouse.statements import TAKE_CALLS, run
from shared.warehouse.tables import API_CALLS
from shared.watch import conditions
from shared.watch.reading import READERS, Sources
from tests.emulators.collection.figures import DAY, Figures
from tests.emulators.youtube.stand import SCOPES

ALL = tuple(FEATURES)
GRANTED = Capability(have=True, reason="granted")


class Probed:
    """A channel whose owner has allowed everything, and the daily run."""

    def __init__(self, figures: Figures) -> None:
        self.figures, self.stand = figures, figures.stand
        figures.warehouse.client.create_table(made(figures.warehouse, API_CALLS))
        self.id = figures.connect(granted=ALL, probe_at=self.stand.clock())
        self.figures.reading.callers[self.id] = self.stand.caller(scopes=(*SCOPES, "youtube.force-ssl"))
        self.allow(*ALL)

    def allow(self, *features: str) -> None:
        """Google names these features' scopes."""
        scopes = {"granted_scopes": scopes_for(features), "requested_scopes": scopes_for(ALL)}
        self.stand.firestore.document("grants", self.id).set(scopes)

    def run(self) -> list[str]:
        """A daily run; the calls that it made."""
        before = len(self.stand.simulator.journal.entries())
        reader = Storing(
            client=self.stand.firestore, warehouse=lambda: self.figures.warehouse, quota=self.stand.ledger,
            caller_for=lambda channel, _block: self.figures.reading.callers[channel], clock=self.stand.clock,
            to_ingest=lambda _kind, _message: None, rng=random.Random(1),
        )  # fmt: skip
        assert probe_due(reader) is False
        entries = self.stand.simulator.journal.entries()[before:]
        calls = [each["method"] for each in entries if each["status"] != 401]  # of a token that was too old
        return [each for each in calls if each.startswith("youtube")]

    def next_turn(self) -> timedelta:
        """Let the time pass until the channel's turn; how long that was."""
        at, before = self.channel().probe_at, self.stand.clock()
        assert at is not None
        self.stand.advance(seconds=(at - before).total_seconds() + 3_600)
        return at - before

    def channel(self) -> channels.Channel:
        return self.figures.channel(self.id)

    def alarm(self) -> str | None:
        read = READERS["capabilities"][2](
            Sources(client=self.stand.firestore, quota=self.stand.ledger), self.stand.clock()
        )
        found = conditions.alarms(read, self.stand.clock(), app="https://app.example")
        return next(iter(found.values()), None)

    def log(self, *endpoints: str) -> None:
        """The call log has these calls of the channel, answered today."""
        now = self.stand.clock()
        of = {"created_at": now, "channel_id": self.id, "status": "success"}
        rows = [
            replace(self.stand.calls[0], endpoint=name, call_id=f"{name}{now}", **of).row() for name in endpoints
        ]
        days = {"first": rows[0]["date"], "last": rows[0]["date"]}
        run(self.figures.warehouse, TAKE_CALLS, entries=json.dumps(rows), **days)


@pytest.fixture
def probed(figures: Any) -> Probed:
    return Probed(figures)


COMMENTS, REVENUE = "youtube.commentThreads.list", "youtubeAnalytics.reports.query"
EVERYTHING = ["youtube.channels.list", REVENUE, "youtubereporting.reportTypes.list", REVENUE, COMMENTS]


def test_what_nobody_used_for_a_week_is_asked_once_in_it_for_one_unit_each_and_what_was_used_is_not(probed):
    assert probed.run() == EVERYTHING
    assert {name: units for name, units in probed.stand.ours().items() if units} == {
        "default": 2, "analytics": 2, "reporting": 1
    }  # fmt: skip
    assert probed.run() == []
    assert 2 * DAY < probed.next_turn() < 6 * DAY
    probed.log("youtube.videos.list", REVENUE, "youtubereporting.jobs.list", "youtube.captions.list")
    assert probed.run() == [REVENUE]  # the log does not say whether revenue was asked for
    assert (probed.alarm(), probed.channel().lost_at) == (None, None)


@pytest.mark.alarm("lostCapabilities")
def test_a_permission_that_died_is_an_alarm_that_names_channel_and_capability_until_it_works_again(probed):
    probed.stand.inject(method=COMMENTS, kind="insufficientPermissions", times=2)
    probed.allow("analytics", "revenue", "captions")  # none that publishing needs: force-ssl does
    probed.stand.firestore.document("grants", probed.id).update(
        {"granted_scopes": scopes_for(("analytics", "revenue"))}
    )
    probed.run()
    lost = {name: each.reason for name, each in probed.channel().capabilities.items() if each.lost}
    assert lost == {"captions": "withdrawn", "publish": "withdrawn"}
    assert f"{probed.id}: captions (withdrawn), publish (withdrawn). Their owners connect again" in probed.alarm()

    assert probed.next_turn() < DAY  # daily, from then on; an hour later each time, clear of midnight
    probed.allow(*ALL)
    probed.run()
    lost = {name: each.reason for name, each in probed.channel().capabilities.items() if each.lost}
    assert lost == {"captions": "insufficientPermissions"}
    first = probed.channel().lost_at
    for _ in range(2):
        assert "captions (insufficientPermissions)" in probed.alarm()
        probed.next_turn()
        probed.run()
        if probed.channel().lost_at is not None:
            assert probed.channel().lost_at == first
    assert (probed.alarm(), probed.channel().capabilities["captions"]) == (None, GRANTED)


def test_an_api_that_answers_nobody_ends_the_run_and_is_an_alarm_which_the_next_probe_ends(probed):
    probed.stand.inject(method="youtubereporting.reportTypes.list", kind="accessNotConfigured", times=1)
    assert probed.run() == EVERYTHING[:3]
    assert [each.key for each in alerts.firing(probed.stand.firestore)] == ["youtubeApi:youtubereporting"]
    assert probed.run() == EVERYTHING  # its turn has not been noted
    assert alerts.firing(probed.stand.firestore) == ()
    assert probed.channel().capabilities["analytics"] == GRANTED
