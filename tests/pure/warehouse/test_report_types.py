"""Every bulk report that a channel owner gets: declared once, held against the files that the simulator writes."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import pytest

from infra.judges.googlesql import GoogleSQL
from infra.local.simulator.world import World
from infra.local.simulator.world import codes as simulated_codes
from infra.local.simulator.world import report_types as simulated
from infra.local.simulator.world.files import Dialect, csv_text, summed
from infra.local.simulator.world.rows import rows
from infra.views import view_text
from shared.settings import REPORT_TYPES as SETTABLE
from shared.warehouse.report_types import FAMILIES, FLOAT, INTEGER, PROFILES, REPORT_TYPES, newest, unknown
from shared.warehouse.rows import ReportLines, ReportRef

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 10)
WORLD = World.generate(5, 4, 3, NOW)
BUSY = max(WORLD.channels(), key=lambda one: WORLD.channel_day(one.id, DAY).views)
FILES = [kind for kind in simulated.REPORT_TYPES.values() if kind.retired is None]


def test_every_report_type_that_youtube_offers_is_known_and_may_be_chosen():
    assert {kind.id for kind in FILES} == set(REPORT_TYPES) == set(SETTABLE)
    assert unknown(kind.id for kind in FILES) == []


def test_a_profile_begins_with_the_one_before_and_the_last_is_everything():
    essential, standard, full = PROFILES.values()
    assert list(PROFILES) == ["essential", "standard", "full"]
    assert standard[: len(essential)] == essential == ("channel_basic", "channel_reach_basic")
    assert full[: len(standard)] == standard
    assert sorted(full) == sorted(FAMILIES)


@pytest.mark.parametrize(
    ("chosen", "offered", "collected"),
    [
        ("channel_cards", [], "channel_cards_a1"),
        ("channel_cards", ["channel_cards_a1"], "channel_cards_a1"),
        ("channel_cards", ["channel_cards_a2"], "channel_cards_a2"),
        ("channel_cards", ["channel_cards_a1", "channel_cards_a2"], "channel_cards_a2"),
        ("channel_cards", ["channel_cards_a2", "channel_cards_a3"], "channel_cards_a2"),
        ("channel_cards_a1", ["channel_cards_a2"], "channel_cards_a1"),
        ("channel_basic", ["channel_basic_a4"], "channel_basic_a3"),
    ],
)
def test_of_a_family_the_newest_version_is_collected_that_youtube_offers_and_we_know(chosen, offered, collected):
    assert newest([chosen], offered) == (collected,)


def test_a_newer_version_and_a_new_type_are_unknown_and_an_older_version_is_none_of_our_business():
    offered = [
        "channel_basic_a2",
        "channel_basic_a3",
        "channel_basic_a4",
        "channel_basic_a10",
        "channel_mood",
        "x_a1",
    ]
    assert unknown(offered) == ["channel_basic_a4", "channel_basic_a10", "channel_mood", "x_a1"]


@pytest.mark.parametrize("kind", REPORT_TYPES.values(), ids=lambda kind: kind.id)
def test_a_report_type_is_whole(kind):
    assert {"date", "channel_id", "video_id"} <= kind.needed <= set(kind.columns)  # the judge of rows reads them
    assert kind.needed & set(kind.metrics)
    assert len(kind.columns) == 1 + len(kind.dimensions) + len(kind.metrics)
    assert set(kind.weights.values()) <= {"", *kind.metrics}
    adding_up = set(kind.metrics) - kind.weights.keys()
    assert {kind.columns[name] for name in kind.weights} <= {FLOAT}
    assert {name for name in adding_up if kind.columns[name] != INTEGER} <= {
        "watch_time_minutes",
        "red_watch_time_minutes",
    }


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.id)
def test_numbers_over_several_rows_are_sums_or_are_weighted_as_declared(kind):
    """By video, and by no other: over several videos YouTube's own average of percentages is not documented."""
    videos = WORLD.all_videos_of(BUSY.id, DAY)
    whole = rows(BUSY, videos, DAY.toordinal(), kind, draft=None, as_of=NOW.timestamp())
    truth = {
        video: summed(kind, [row for row in whole if row.video_id == video])
        for video in {row.video_id for row in whole}
    }
    weights = REPORT_TYPES[kind.id].weights
    for video, lines in by_video(csv_text(BUSY, DAY.toordinal(), kind, whole)):
        for metric in REPORT_TYPES[kind.id].metrics:
            if metric not in weights:
                told = sum(float(line[metric]) for line in lines)
            elif weights[metric]:
                weight = sum(float(line[weights[metric]]) for line in lines)
                weighed = sum(float(line[metric]) * float(line[weights[metric]]) for line in lines)
                told = weighed / weight if weight else 0
            else:
                continue
            assert told == pytest.approx(truth[video][metric], rel=1e-4), (video, metric)


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.id)
def test_a_new_column_and_a_new_code_in_the_files_of_any_type_are_kept(kind):
    videos = WORLD.all_videos_of(BUSY.id, DAY)
    whole = rows(BUSY, videos, DAY.toordinal(), kind, draft=None, as_of=NOW.timestamp())
    odd = Dialect(added_column="novelty", new_value="A_CODE_OF_TOMORROW")
    ours = REPORT_TYPES[kind.id]
    report = ReportLines(ours, ref(ours.id), lambda _: tuple(ours.columns))
    made = report.feed(csv_text(BUSY, DAY.toordinal(), kind, whole, odd).encode()) + report.finish()
    lines = [dict(zip(ours.columns, line[:-2], strict=True)) for line in csv.reader(io.StringIO(made.decode()))]
    assert (report.new, len(lines)) == (("novelty",), len(whole))
    assert [line[kind.header[-len(kind.metrics) - 1]] for line in lines[::7]] == ["A_CODE_OF_TOMORROW"] * len(
        lines[::7]
    )
    assert made.count(b"novelty") == len(lines)


def ref(type_id: str) -> ReportRef:
    return ReportRef(
        report_id="r",
        channel_id=BUSY.id,
        report_type=type_id,
        job_id="j",
        day=DAY,
        create_time=NOW,
        download_url="u",
    )


def by_video(text: str) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in csv.DictReader(io.StringIO(text)):
        found[line["video_id"]].append(line)
    return ((video, lines) for video, lines in found.items() if video)


@pytest.fixture(scope="module")
def named() -> dict[tuple[str, str], str]:
    """The view that names codes, as Google's evaluator answers it."""
    answered = GoogleSQL({}).evaluate(view_text("code_names"), {})
    assert len({(row["dimension"], row["code"]) for row in answered}) == len(answered)
    return {(row["dimension"], row["code"]): row["name"] for row in answered}


def test_every_code_of_a_file_and_the_analytics_word_for_it_have_one_name(named):
    known = {
        (dimension, code, word)
        for dimension, codes in simulated_codes.codes().items()
        for code, word in codes.items()
    }
    assert all(named[dimension, code] == named[dimension, word] for dimension, code, word in known)
    assert named.keys() == {(dimension, said) for dimension, code, word in known for said in (code, word)}


def test_what_has_names_is_a_column_of_a_report(named):
    columns = {column for kind in REPORT_TYPES.values() for column in kind.dimensions}
    assert {dimension for dimension, _ in named} <= columns


def test_a_name_can_stand_in_a_statement_as_it_is(named):
    assert not [name for name in named.values() if set("'\\{}") & set(name)]
    assert named["traffic_source_type", "7"] == named["traffic_source_type", "RELATED_VIDEO"] == "Suggested videos"
