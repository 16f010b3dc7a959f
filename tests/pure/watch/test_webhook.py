"""The rule by which Cloud Monitoring decides about the webhook's requests, evaluated over injected faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import promql_parser as promql
import pytest

from infra.deployment import ROOT
from shared.watch.conditions import ALARMS, CALLS_MIN

ROW = ALARMS["webhookRequests"]
RULE = (ROOT / "infra" / "terraform" / "webhook.promql").read_text()
FILLED = {
    "of": 'service_name="webhook"', "share": ROW.share, "slow": ROW.threshold,
    "hour": CALLS_MIN[0], "minutes": CALLS_MIN[1],
}  # fmt: skip
COUNT, LATENCY = "run_googleapis_com:request_count", "run_googleapis_com:request_latencies_bucket"

Minutes = Sequence[tuple[int, float]]
"""What a counter rose by in each minute: for so many minutes by so much, the last ones last."""
Series = Mapping[tuple[str, str], Minutes]
"""By the metric's name and its one label's value: the class of a status, or the bound of a bucket."""


def rule() -> Any:
    text = RULE
    for name, value in FILLED.items():
        text = text.replace(f"${{{name}}}", str(value))
    return promql.parse(text)


def evaluated(node: Any, series: Series) -> Any:  # noqa: PLR0911 - one for each kind of part
    """What a part of the rule is at the end of the series: a number, one for each label, or None for nothing."""
    match type(node).__name__:
        case "NumberLiteral":
            return node.val
        case "ParenExpr":
            return evaluated(node.expr, series)
        case "AggregateExpr":
            found = evaluated(node.expr, series)
            return found if "le" in str(node.modifier) else (sum(found.values()) if found else None)
        case "Call" if node.func.name == "increase":
            [(vector, window)] = [(each.vector_selector, each.range) for each in node.args]
            wanted = [each.value for each in vector.matchers.matchers if each.name == "response_code_class"]
            return {
                label: increase(minutes, window)
                for (name, label), minutes in series.items()
                if name == vector.name and wanted in ([], [label])
            }
        case "Call" if node.func.name == "histogram_quantile":
            quantile, buckets = (evaluated(each, series) for each in node.args)
            return bound_of(quantile, {float(bound): count for bound, count in buckets.items()})
        case "BinaryExpr":
            left, right = evaluated(node.lhs, series), evaluated(node.rhs, series)
            if str(node.op) == "or":
                return left if left is not None else right
            if left is None or right is None:
                return None
            return {
                "and": lambda: left, ">=": lambda: left if left >= right else None,
                "*": lambda: left * right, "-": lambda: left - right,
            }[str(node.op)]()  # fmt: skip
    raise AssertionError(f"{type(node).__name__} is not known here")


def increase(minutes: Minutes, window: timedelta) -> float:
    each = [rise for count, rise in minutes for _ in range(count)]
    return sum(each[-int(window / timedelta(minutes=1)) :])


def bound_of(quantile: float, buckets: Mapping[float, float]) -> float | None:
    """Within the bucket that holds it, evenly, as Prometheus has it; the last finite bound above all."""
    total, before, lower = max(buckets.values()), 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= quantile * total and total:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (quantile * total - before) / (count - before)
        before, lower = count, bound
    return None


def requests(failing: Minutes, slow: Minutes, each_minute: float = 10) -> Series:
    """Two hours of requests, some of which fail, and some take six seconds."""
    quick = [(count, each_minute - some) for count, some in slow]
    every: Minutes = [(120, each_minute)]
    return {
        (COUNT, "2xx"): [(count, each_minute - some) for count, some in failing], (COUNT, "5xx"): failing,
        (LATENCY, "1000"): quick, (LATENCY, "5000"): quick, (LATENCY, "7000"): every, (LATENCY, "inf"): every,
    }  # fmt: skip


NONE: Minutes = [(120, 0)]


@pytest.mark.alarm("webhookRequests")
@pytest.mark.parametrize(
    ("series", "open_"),
    [
        pytest.param(requests(NONE, NONE), False, id="all is well"),
        pytest.param(requests([(80, 0), (40, 1)], NONE), True, id="a tenth fails for forty minutes"),
        pytest.param(
            requests([(80, 0), (30, 1), (10, 0)], NONE), False, id="ten minutes without a failure end it"
        ),
        pytest.param(requests([(100, 0), (20, 1)], NONE), False, id="twenty minutes are too little of the hour"),
        pytest.param(requests(NONE, [(80, 0), (40, 1)]), True, id="a tenth takes six seconds"),
        pytest.param(
            requests(NONE, [(80, 0), (30, 1), (10, 0)]), False, id="ten minutes without a slow one end it"
        ),
        pytest.param(requests([(120, 0.3)], NONE, 0.3), False, id="a few that all fail say nothing"),
    ],
)
def test_the_rule_opens_while_the_hour_and_the_last_ten_minutes_have_it_and_few_requests_say_nothing(
    series, open_
):
    assert (evaluated(rule(), series) is not None) == open_


def test_the_rule_s_windows_are_those_of_calls_and_its_figures_the_table_s():
    assert {"[1h]", "[10m]"} == {f"[{each.partition(']')[0]}]" for each in RULE.split("[")[1:]}
    assert (ROW.share, ROW.threshold, ROW.noticed) == (0.05, 5_000, "monitoring")
