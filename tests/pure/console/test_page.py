"""The console's page and its chart, from numbers alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access.channels import Channel
from shared.access.features import Capability
from shared.access.health import CONNECTED, REAUTH_REQUIRED
from shared.console.chart import HEIGHT, WIDTH, chart, short
from shared.console.overview import NOTHING_LOADED, DayTotal, Loaded, overview
from shared.console.page import render

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def channel(channel_id: str = "UC1", **fields) -> Channel:
    defaults = {
        "channel_id": channel_id, "user_id": "user-001", "google_account": None, "title": "A channel",
        "uploads_playlist": None, "state": CONNECTED, "state_reason": "", "state_since": NOW, "capabilities": {},
        "connected_at": NOW - timedelta(days=9), "last_sync": {}, "warnings": {},
    }  # fmt: skip
    return Channel(**{**defaults, **fields})


def page(*channels: Channel, loaded: Loaded = NOTHING_LOADED, problems: tuple[str, ...] = ()) -> str:
    return render(overview(channels=channels, quota=[], loaded=loaded, problems=problems, now=NOW))


@pytest.mark.fault(50)
def test_html_in_a_channels_title_is_text():
    shown = page(channel(title="<script>alert(1)</script>"), problems=("<b>problem</b>",))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<b>problem" not in shown


def test_a_channel_that_must_be_connected_again_comes_first_and_says_so():
    seen = overview(
        channels=[channel("UC1", title="a"), channel("UC2", title="z", state=REAUTH_REQUIRED)],
        quota=[], loaded=NOTHING_LOADED, problems=[], now=NOW,
    )  # fmt: skip
    assert [row.channel_id for row in seen.channels] == ["UC2", "UC1"]
    assert seen.need_attention == 1
    assert "Connect this channel again" in (seen.channels[0].todo or "")


def test_a_permission_that_was_not_given_is_shown_with_its_reason():
    assert "no revenue: scopeMissing" in page(channel(capabilities={"revenue": Capability(False, "scopeMissing")}))


@pytest.mark.parametrize(
    ("age", "overdue"), [(timedelta(hours=24, minutes=59), False), (timedelta(hours=25), True)]
)
def test_a_channel_is_overdue_after_25_hours(age, overdue):
    seen = overview(channels=[channel(last_sync={"reports": NOW - age})], quota=[], loaded=NOTHING_LOADED,
                    problems=[], now=NOW)  # fmt: skip
    assert seen.channels[0].overdue is overdue


def test_an_empty_network_is_a_page_too():
    assert "No channel is connected yet" in page()
    assert "No report has been loaded yet" in page()


def test_views_are_drawn_and_listed():
    days = (DayTotal(date=date(2026, 11, 1), views=12345, engaged_views=300, channels=2),)
    shown = page(channel(), loaded=Loaded(days=days, channels={}, reports=1, rows=1))
    assert "<svg" in shown
    assert "12,345" in shown


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=60))
def test_every_dot_lies_inside_the_chart(values):
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(len(values))]
    drawn = chart(days, [("Views", values)])
    assert drawn is not None
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in drawn.lines[0].dots)


@pytest.mark.parametrize(("value", "label"), [(0, "0"), (950, "950"), (12_000, "12k"), (3_500_000, "3.5M")])
def test_large_numbers_are_short_on_an_axis(value, label):
    assert short(value) == label
