"""The bill: every operation that is counted has a price, free parts are free, and features add up to the whole."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from infra.deployment import ROOT, deployment
from infra.models import cost
from infra.models.cost import MONTH, Price, Use
from shared.warehouse.report_types import REPORT_TYPES


@pytest.mark.parametrize("size", cost.SIZES)
def test_every_counter_is_priced_and_every_price_is_used(size):
    used = {each.counter for each in cost.month(size, balancer=True)}
    assert used == set(cost.prices())


def test_a_counter_without_a_price_is_an_error():
    with pytest.raises(KeyError, match="gold"):
        cost.bill([Use(counter="gold", feature="base", amount=1, known="counted")])


def test_every_price_says_when_and_where_it_was_read_and_how_sure_it_is():
    table = tomllib.loads((ROOT / "infra" / "prices.toml").read_text())
    assert isinstance(table["as_of"], date)
    for name, price in cost.prices().items():
        assert price.source.startswith("https://"), name
        assert price.sure in {"V", "S", "K"}, name


@pytest.mark.parametrize(
    ("price", "amount", "dollars"),
    [
        (Price(service="s", price=2, sure="K", source="", free=10), 10, 0),
        (Price(service="s", price=2, sure="K", source="", free=10), 13, 6),
        (Price(service="s", price=2, sure="K", source="", per=100, free_daily=1), MONTH + 50, 1),
        (Price(service="s", price=2, sure="K", source=""), 0, 0),
    ],
)
def test_only_what_goes_beyond_the_free_part_is_charged(price, amount, dollars):
    assert price.of(amount) == pytest.approx(dollars)


def test_features_share_what_is_charged_by_what_they_use():
    [line] = cost.bill(
        [
            Use(counter="scheduler_jobs", feature="reports", amount=9, known="computed"),
            Use(counter="scheduler_jobs", feature="push", amount=3, known="counted"),
        ]
    )
    assert line.dollars == pytest.approx(0.90)
    assert line.features == {"reports": pytest.approx(0.675), "push": pytest.approx(0.225)}
    assert line.known == "computed, counted"


@pytest.mark.parametrize("size", cost.SIZES)
def test_the_features_add_up_to_the_whole_bill(size):
    lines = cost.bill(cost.month(size))
    assert sum(sum(each.features.values()) for each in lines) == pytest.approx(cost.total(size))


def test_every_schedule_is_for_a_feature():
    assert deployment().schedules.keys() == cost.FEATURES.keys()


def test_what_was_counted_of_documents_grows_with_the_channels_by_its_part_for_each():
    [small, large] = (
        next(each for each in cost.month(size) if (each.counter, each.feature) == ("firestore_reads", "reports"))
        for size in (250, 1_000)
    )
    assert small.known == "counted"
    assert large.amount - small.amount == pytest.approx(750 * cost.COUNTED["reports"]["reads"][1] * MONTH)


def test_more_channels_never_cost_less():
    totals = [cost.total(size) for size in (50, 250, 1_000, 10_000)]
    assert totals == sorted(totals)


def test_a_schedule_s_runs_are_counted_by_its_cron():
    schedules = deployment().schedules
    assert cost.runs_a_day(schedules["watch"]) == 288
    assert cost.runs_a_day(schedules["collect-metadata"]) == 2


def test_a_query_is_charged_for_the_tables_behind_its_views():
    assert cost.tables_of("SELECT 1 FROM `{dataset}.report_loads`") == {"report_loads"}
    assert {"report_loads", REPORT_TYPES["channel_basic_a3"].table} <= cost.tables_of(
        "FROM `{dataset}.youtube_metrics`"
    )


def test_the_metrics_that_conditions_name_are_counted_in_terraform():
    terraform = ROOT / "infra" / "terraform"
    conditions, query = ((terraform / name).read_text() for name in ("monitoring.tf", "webhook.promql"))
    assert cost.metric_references(conditions, query) == 3


def test_what_is_only_announced_stands_beside_the_bill():
    [references] = [each for each in cost.bill(cost.month(250)) if each.counter == "alert_references"]
    assert (references.amount, references.dollars) == (3, 0)
    assert cost.total(250, day=cost.announced()) - cost.total(250) > 3 * 0.35


def test_what_is_kept_for_nothing_is_taken_by_young_rows_first():
    kept = {each.counter: each for each in cost.bill(cost.month(250))}
    assert kept["bigquery_stored_gib"].amount < 10
    assert kept["bigquery_old_gib"].amount < 1
    assert cost.prices()["bigquery_old_gib"].free == 0


def test_the_balancer_stands_beside_the_bill():
    assert cost.total(250, balancer=True) - cost.total(250) == pytest.approx(25.25)
