"""The model of collecting keeps what it is a model of, and tells what its table says."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from infra.deployment import ROOT
from infra.models.collection import FIRST, HEAD, HISTORY, Network, row
from shared.settings import REPORT_TYPES

DAYS = 8
LOAD_JOBS = 1_000


class Watched(Network):
    """Remembers when each request went."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent: list[datetime] = []

    def _request(self) -> bool:
        admitted = super()._request()
        if admitted:
            self.sent.append(self.now)
        return admitted


def played(types: int, quota: int | None = None) -> Watched:
    network = Watched([f"UC{number:022}" for number in range(40)], REPORT_TYPES[:types])
    network.quota = quota or network.quota
    network.play(DAYS)
    return network


@pytest.fixture(scope="module")
def plenty() -> Watched:
    return played(2)


@pytest.fixture(scope="module")
def little() -> Watched:
    """A quota that cannot be enough for its three report types."""
    return played(3, quota=170)


@pytest.fixture(params=["plenty", "little"])
def network(request) -> Watched:
    return request.getfixturevalue(request.param)


def test_the_rate_limit_holds_in_every_window(network):
    following = network.sent[network.rate.calls :]
    assert len(following) > 100
    assert all(
        after - before >= network.rate.length for before, after in zip(network.sent, following, strict=False)
    )
    assert all(after >= before for before, after in pairwise(network.sent))


def test_the_quota_of_no_day_is_overrun(network):
    assert max(network.used.values()) <= network.quota


def test_a_report_is_loaded_after_its_issue_and_never_waits_once_it_is(network):
    for key, days in network.loaded.items():
        issued = dict(network.issued(key, after=None, until=network.now))
        assert all(at >= issued[day] for day, at in days.items())
        assert not days.keys() & network.waiting[key].keys()


def test_with_quota_enough_everything_arrives(plenty):
    outcome = plenty.outcome()
    history = [
        plenty.loaded[key][day]
        for key, created in plenty.created.items()
        for day, at in plenty.issued(key, after=None, until=plenty.now)
        if at == created + FIRST
    ]
    assert outcome.loaded == 1
    assert outcome.history == max(history) - min(history) < timedelta(hours=1)
    assert len(history) > (HISTORY - 4) * 80


def test_where_the_quota_does_not_suffice_the_types_of_less_value_wait(little):
    outcome = little.outcome()
    assert outcome.history is None
    assert outcome.loaded < 1
    assert max(little.used.values()) == little.quota
    loaded = [sum(len(little.loaded[channel, each]) for channel in little.channels) for each in little.types]
    assert loaded == sorted(loaded, reverse=True)


def test_few_load_jobs_are_enough_for_all_downloads_of_a_day(plenty):
    assert plenty.quota / plenty.rate.calls < LOAD_JOBS
    assert max(plenty.jobs.values()) < LOAD_JOBS


def test_the_page_has_the_table_that_the_model_prints(plenty):
    page = (ROOT / "infra/docs/collecting.md").read_text()
    assert HEAD in page
    assert row(40, "two", plenty.outcome()).startswith("| 40 | two | 160 |")
