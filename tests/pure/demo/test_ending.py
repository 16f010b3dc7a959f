"""How the demo ends: whatever differs, fails or takes too long is said, and only a flawless run is a success."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from infra.local.demo.closing import MOST_MIB, MOST_SECONDS, conclude, result, warnings
from infra.local.demo.compare import compare
from infra.local.demo.gaps import Gaps
from infra.local.demo.ledgers import quota_problems, quota_totals, report_problems
from infra.local.demo.outage import Outage
from infra.local.demo.pulse import Pulse
from infra.local.demo.story import COLLECTING, Story, until
from tests.pure.demo.network import counts, held, truth

GOOGLE = {"2026-11-01": {"reporting": 12}}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def story(said: list[str]) -> Story:
    return Story(said.append, Pulse(said.append))


def told_by(story: Story, *, warehouse: Any = None, ours: Any = None) -> dict[str, Any]:
    """The end of a run on this warehouse and with this count of quota."""
    story.found = compare(truth(), warehouse or held())
    story.reports = counts()
    story.quota = quota_totals(ours or GOOGLE, GOOGLE)
    story.problems += story.found.differences + report_problems(story.reports, story.found)
    story.problems += quota_problems(ours or GOOGLE, GOOGLE)
    story.levels = {"reports": 6, "last_read": 1, "analytics": 1, "data": 0}
    return result(story, total_seconds=12.34)


def ended(told: dict[str, Any], path: Path) -> tuple[int, str]:
    screen = Console(file=io.StringIO(), width=120)
    status = conclude(screen, told, console="http://here/console", path=str(path))
    return status, screen.file.getvalue()  # type: ignore[attr-defined]


def test_a_flawless_run_ends_well_and_says_where_the_console_is(story: Story, tmp_path: Path):
    status, text = ended(told_by(story), tmp_path / "result.json")
    assert status == 0
    assert "http://here/console" in text
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["reports"].items() >= {"listed": 6, "loaded": 5, "superseded": 2}.items()
    assert written["quota"] == {"reporting": {"ours": 12, "google": 12}}
    assert written["truth"] == {"compared": 4, "different": 0}
    none = {"compared": 0, "different": 0}
    assert written["tables"] == {"youtube_metrics": none, "video_performance": none}
    assert written["levels"] == {"reports": 0.75, "last_read": 0.125, "analytics": 0.125, "data": 0}
    assert written["certificates"] == {"verified": 0, "differing": 0}
    assert (written["rows"], written["seconds"]["total"], written["problems"]) == (6, 12.3, [])


def test_a_lost_row_ends_badly_and_is_named(story: Story, tmp_path: Path):
    warehouse = held()
    warehouse.counted["UC-a", "2026-11-01"]["row_count"] = 1
    status, text = ended(told_by(story, warehouse=warehouse), tmp_path / "result.json")
    assert status == 1
    assert "UC-a 2026-11-01: 1 rows instead of 2" in text
    assert json.loads((tmp_path / "result.json").read_text())["truth"]["different"] == 1


def test_a_doubled_manifest_row_ends_badly_and_is_named(story: Story, tmp_path: Path):
    warehouse = held()
    warehouse.manifest["a1"] = 2
    status, text = ended(told_by(story, warehouse=warehouse), tmp_path / "result.json")
    assert status == 1
    assert "the manifest names report a1 2 times" in text


def test_a_video_that_nobody_found_while_the_hub_was_dead_ends_badly_and_is_counted(story: Story, tmp_path: Path):
    story.outage = Outage(published=9, known=8, longest=timedelta(minutes=4))
    story.problems += story.outage.problems()
    status, text = ended(told_by(story), tmp_path / "result.json")
    assert status == 1
    assert "1 videos that were published while the hub was dead are not known" in text
    told = json.loads((tmp_path / "result.json").read_text())["outage"]
    assert told == {"published": 9, "known": 8, "longest_seconds": 240}


def test_a_unit_of_quota_ends_badly_and_is_named(story: Story, tmp_path: Path):
    status, text = ended(told_by(story, ours={"2026-11-01": {"reporting": 13}}), tmp_path / "result.json")
    assert status == 1
    assert "quota reporting on 2026-11-01: we count 13, Google 12" in text


def test_of_many_problems_the_first_are_shown_and_the_others_counted(story: Story, tmp_path: Path):
    story.problems += [f"problem [{number}]" for number in range(2_000)]
    status, text = ended(told_by(story), tmp_path / "result.json")
    assert status == 1
    assert "problem [9]" in text
    assert "problem [10]" not in text
    assert "and 1,990 more" in text


@pytest.mark.parametrize("error", [TimeoutError("Cloud Tasks still has work"), httpx.ReadTimeout("too slow")])
def test_a_step_that_does_not_come_to_its_end_is_a_problem_and_the_next_one_is_tried(
    story: Story, said: list[str], tmp_path: Path, error: Exception
):
    with story.phase("collect", "Collecting"):
        raise error
    with story.phase("push", "A push"):
        pass
    assert story.problems == [f"collect: {error}"]
    assert story.seconds.keys() == {"collect", "push"}
    assert any("given up" in line for line in said)
    assert ended(told_by(story), tmp_path / "result.json")[0] == 1


def test_a_run_that_learnt_nothing_still_has_its_table(story: Story, tmp_path: Path):
    story.problems.append("compare: no answer")
    status, text = ended(result(story, total_seconds=1), tmp_path / "result.json")
    assert status == 1
    assert "compare: no answer" in text


def test_what_takes_too_much_is_a_warning_alone(story: Story, tmp_path: Path):
    told = told_by(story)
    assert warnings(told) == []
    told["seconds"]["total"] = MOST_SECONDS + 0.5
    told["memory_mib"] = {"firestore": MOST_MIB, "simulator": 1}
    assert warnings(told) == [
        "The demo took 240.5 s, more than 240.",
        "Its parts took 2,049 MiB, more than 2,048.",
    ]
    status, text = ended(told, tmp_path / "result.json")
    assert status == 0
    assert "2,049" in text


@pytest.mark.parametrize(
    ("hour", "wait"),
    [(13, timedelta(hours=1)), (14, timedelta(0)), (15, timedelta(hours=23)), (8, timedelta(hours=6))],
)
def test_the_stack_s_clock_begins_at_the_collecting_hour(hour: int, wait: timedelta):
    assert until(datetime(2026, 11, 25, hour, tzinfo=UTC), COLLECTING) == wait


def test_days_that_were_never_issued_are_in_the_table_and_what_is_wrongly_named_is_a_problem(
    story: Story, tmp_path: Path
):
    lost, invented = ("UC-a", "channel_basic_a3", "2026-11-02"), ("UC-b", "channel_basic_a3", "2026-11-03")
    story.gaps = Gaps(never_issued=frozenset({lost}), named=frozenset({lost}))
    assert story.gaps.problems() == []
    _, text = ended(told_by(story), tmp_path / "result.json")
    assert "UC-a channel_basic_a3 2026-11-02" in text
    story.gaps.named = frozenset({invented})
    assert story.gaps.problems() == [
        "UC-a channel_basic_a3 2026-11-02 was never issued, and is not named",
        "UC-b channel_basic_a3 2026-11-03 is named as never issued",
    ]


def test_an_expired_job_that_is_not_replaced_is_a_problem():
    gaps = Gaps(expired=frozenset({"UC-a:channel_basic_a3"}))
    assert gaps.problems() == ["the reporting job of UC-a:channel_basic_a3 expired, and is not replaced"]
    gaps.replaced = gaps.expired
    assert gaps.problems() == []
