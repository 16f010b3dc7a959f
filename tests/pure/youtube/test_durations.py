"""Durations in every form that ISO 8601 gives a length of certain seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.data.render import duration
from shared.youtube.durations import seconds_of

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT15M33S", 933),
        ("PT1H", 3_600),
        ("PT4M", 240),
        ("PT0S", 0),
        ("P0D", 0),
        ("P1DT2H3M4S", DAY + 7_384),
        ("P2D", 2 * DAY),
        ("P1W", 7 * DAY),
        ("P0.5W", 7 * DAY // 2),
        ("PT90M", 5_400),
        ("PT36H", 129_600),
        ("PT1.9S", 1),
        ("PT0,5H", 1_800),
        ("P1DT0.5M", DAY + 30),
    ],
)
def test_a_duration_is_so_many_seconds(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            None,
            "P",
            "PT",
            "P1DT",
            "1H",
            "PT1",
            "P1H",
            "PT1D",
            "P1W2D",
            "PT1S1M",
            "PT1.5H2M",
            "-PT1S",
            "PT-1S",
        ),
        *("P1Y", "P1M", "P1Y2M3DT4H", "PT1H ", " PT1H", "pt1h", "PT1٣S", "PT1..5S", "PT" + "9" * 40 + "S"),
    ],
)
def test_what_has_no_certain_length_is_not_known(text):
    assert seconds_of(text) is None


@given(st.integers(0, 10**7))
def test_what_youtube_writes_is_read_back(seconds):
    assert seconds_of(duration(seconds)) == seconds


@given(
    weeks=st.none() | st.integers(0, 10**6),
    parts=st.tuples(*[st.none() | st.integers(0, 10**6)] * 4),
    fraction=st.none() | st.integers(0, 10**9),
    mark=st.sampled_from(".,"),
)
def test_whatever_parts_there_are_add_up(weeks, parts, fraction, mark):
    """A fraction may stand in the last part alone."""
    lengths = (DAY, 3_600, 60, 1)
    there = [
        (amount, letter, length)
        for amount, letter, length in zip(parts, "DHMS", lengths, strict=True)
        if amount is not None
    ]
    if weeks is not None or not there:
        there = [(weeks or 0, "W", 7 * DAY)]
    tail = "" if fraction is None else f"{mark}{fraction}"
    texts = [f"{amount}{letter}" for amount, letter, _ in there]
    texts[-1] = f"{there[-1][0]}{tail}{there[-1][1]}"
    days = [text for text in texts if text[-1] in "WD"]
    times = [text for text in texts if text[-1] in "HMS"]
    whole = sum(amount * length for amount, _, length in there)
    extra = 0 if fraction is None else fraction * there[-1][2] // 10 ** len(str(fraction))
    assert seconds_of("P" + "".join(days) + ("T" + "".join(times) if times else "")) == whole + extra


@given(st.text(max_size=12) | st.text(alphabet="PTWDHMS0123456789.,", max_size=12))
def test_no_text_is_too_odd(text):
    assert (seconds_of(text) or 0) >= 0
