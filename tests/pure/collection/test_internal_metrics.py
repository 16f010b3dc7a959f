"""The owner's own numbers, from a message to rows."""

from __future__ import annotations

import pytest

from shared.collection.internal_metrics import rows_from
from shared.errors import InvalidRequest
from shared.warehouse.tables import INTERNAL_METRICS

CHANNEL = "UC" + "a" * 22


def a_metric(**more):
    return {
        "channel_id": CHANNEL,
        "video_id": "dQw4w9WgXcQ",
        "date": "2026-11-20",
        "name": "cost",
        "value": "120.50",
        "unit": "USD",
        "as_of": "2026-11-21T09:00:00Z",
        **more,
    }


def rows(*metrics):
    return rows_from({"metrics": list(metrics)})


def test_a_message_becomes_rows_of_the_declared_table():
    (row,) = rows(a_metric())
    assert set(row) == set(INTERNAL_METRICS.columns)
    assert (row["value"], row["date"], row["as_of"]) == ("120.50", "2026-11-20", "2026-11-21T09:00:00.000000Z")


def test_what_is_sent_again_or_corrected_has_the_same_id_and_another_subject_another():
    first, corrected = rows(a_metric(), a_metric(value="1", unit="EUR", as_of="2026-11-22T09:00:00Z"))
    assert first["metric_id"] == corrected["metric_id"]
    others = rows(
        a_metric(channel_id="UC" + "b" * 22),
        a_metric(video_id=None),
        a_metric(date="2026-11-21"),
        a_metric(name="plan_views"),
    )
    assert len({first["metric_id"], *(other["metric_id"] for other in others)}) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel_id": "somebody"},
        {"video_id": "short"},
        {"date": "2026-02-30"},
        {"date": "20261120"},
        {"name": "Cost of it"},
        {"value": 120.5},
        {"value": "1e3"},
        {"value": "1" * 30},
        {"value": "0." + "1" * 10},
        {"unit": ""},
        {"as_of": "yesterday"},
        {"colour": "red"},
    ],
)
def test_what_is_no_metric_is_refused(wrong):
    with pytest.raises((InvalidRequest, ValueError)):
        rows(a_metric(**wrong))


def test_a_number_that_lacks_something_is_refused():
    whole = a_metric()
    for name in whole.keys() - {"video_id"}:
        with pytest.raises(InvalidRequest):
            rows({key: value for key, value in whole.items() if key != name})
