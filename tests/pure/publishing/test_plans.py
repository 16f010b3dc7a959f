"""A plan is believed only after every part of it was held against what can be asked."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.publishing import plan
from shared.publishing.plan import Intent, intents

CHANNEL = "UC" + "a" * 22


def test_a_plan_names_steps_in_the_words_of_a_submission():
    body = {"action": "plan", "work": [{"channel_id": CHANNEL, "do": ["upload", "thumbnail"], "times": 12}]}
    (intent,) = intents(body)
    assert intent == Intent(channel_id=CHANNEL, do=("upload", "thumbnail"), times=12)
    assert intent.steps == (plan.TRANSFER, plan.PROCESSING, plan.THUMBNAIL)


def test_an_item_stands_for_one_operation_unless_it_says_more():
    item = {"channel_id": CHANNEL, "do": ["update"]}
    (plain, urgent) = intents({"action": "plan", "work": [item, {**item, "critical": True}]})
    assert (plain.times, plain.critical, urgent.critical) == (1, False, True)


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (None, "work"),
        ([], "work"),
        ([{"channel_id": CHANNEL, "do": ["update"]}] * 51, "work"),
        ([{"channel_id": CHANNEL, "do": ["update"], "times": 600}] * 2, "work"),
        ([7], "work.0"),
        ([{"channel_id": "UC1", "do": ["update"]}], "work.0.channel_id"),
        ([{"channel_id": CHANNEL, "do": []}], "work.0.do"),
        ([{"channel_id": CHANNEL, "do": [["update"]]}], "work.0.do"),
        ([{"channel_id": CHANNEL, "do": ["update", "update"]}], "work.0.do"),
        ([{"channel_id": CHANNEL, "do": ["update"], "times": 0}], "work.0.times"),
        ([{"channel_id": CHANNEL, "do": ["update"], "times": True}], "work.0.times"),
        ([{"channel_id": CHANNEL, "do": ["update"], "times": 10**30}], "work.0.times"),
        ([{"channel_id": CHANNEL, "do": ["update"], "critical": 1}], "work.0.critical"),
        ([{"channel_id": CHANNEL, "do": ["update"], "not_before": "x"}], "work.0.not_before"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named_by_its_field(work, field):
    with pytest.raises(InvalidRequest) as refusal:
        intents({"action": "plan", "work": work})
    assert refusal.value.field == field
