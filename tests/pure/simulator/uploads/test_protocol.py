"""The resumable protocol's decisions, and that they lose and double nothing whatever a client does."""

from __future__ import annotations

import hashlib
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.uploads.protocol import (
    GRANULE,
    MAX_BYTES,
    ContentRange,
    Progress,
    Refuse,
    Report,
    Take,
    decide,
    parse_content_range,
    range_header,
)
from infra.local.simulator.uploads.received import Received


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bytes 0-262143/1000000", ContentRange(0, 262143, 1000000)),
        ("bytes 0-262143/*", ContentRange(0, 262143, None)),
        ("bytes */1000000", ContentRange(None, None, 1000000)),
        ("bytes */*", ContentRange(None, None, None)),
        ("bytes 5-4/10", None),
        ("bytes 0-10/10", None),
        ("bytes=0-9/10", None),
        ("0-9/10", None),
        ("bytes 0-9", None),
        ("", None),
    ],
)
def test_a_content_range_is_read_or_refused_whole(text: str, meaning: ContentRange | None):
    assert parse_content_range(text) == meaning


def test_a_status_query_reports_and_a_complete_one_completes():
    assert decide(Progress(GRANULE, 2 * GRANULE), "bytes */*", 0) == Report(complete=False, total=2 * GRANULE)
    assert decide(Progress(GRANULE, None), f"bytes */{GRANULE}", 0) == Report(complete=True, total=GRANULE)
    assert decide(Progress(0, None), "bytes */0", 0) == Report(complete=True, total=0)


def test_a_chunk_that_is_not_the_last_is_a_multiple_of_the_granule():
    assert isinstance(decide(Progress(0, 10 * GRANULE), f"bytes 0-{GRANULE}/{10 * GRANULE}", GRANULE + 1), Refuse)
    assert isinstance(decide(Progress(0, None), "bytes 0-99/*", 100), Refuse)
    assert decide(Progress(0, None), "bytes 0-99/100", 100) == Take(skip=0, length=100, last=True, total=100)


def test_bytes_that_are_here_already_are_skipped():
    decision = decide(Progress(GRANULE, None), f"bytes 0-{2 * GRANULE - 1}/*", 2 * GRANULE)
    assert decision == Take(skip=GRANULE, length=2 * GRANULE, last=False, total=None)


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (f"bytes {2 * GRANULE}-{3 * GRANULE - 1}/{9 * GRANULE}", GRANULE),  # a gap
        (f"bytes {GRANULE}-{2 * GRANULE - 1}/{8 * GRANULE}", GRANULE),  # another total
        (f"bytes {GRANULE}-{2 * GRANULE - 1}/{9 * GRANULE}", GRANULE - 1),  # another length
        (f"bytes */{9 * GRANULE}", 5),  # a status query with a body
        ("bytes nonsense", GRANULE),
    ],
)
def test_what_contradicts_the_session_is_refused(header: str, length: int):
    assert isinstance(decide(Progress(GRANULE, 9 * GRANULE), header, length), Refuse)


def test_a_file_beyond_the_largest_is_refused():
    total = MAX_BYTES + 1
    assert isinstance(decide(Progress(0, None), f"bytes 0-{GRANULE - 1}/{total}", GRANULE), Refuse)


def test_a_put_without_a_range_is_the_whole_file():
    assert decide(Progress(0, 300), None, 300) == Take(skip=0, length=300, last=True, total=300)
    assert isinstance(decide(Progress(0, 300), None, 299), Refuse)


def test_the_range_header_names_the_last_byte_and_is_absent_at_first():
    assert range_header(0) == {}
    assert range_header(GRANULE) == {"Range": f"bytes=0-{GRANULE - 1}"}


@given(
    cuts=st.lists(st.integers(0, 3 * GRANULE), max_size=6),
    broken=st.integers(0, GRANULE),
)
@settings(max_examples=40)
def test_falling_back_keeps_whole_granules_and_their_hash(cuts: list[int], broken: int):
    data = random.Random(len(cuts)).randbytes(sum(cuts) + broken)
    received, place = Received(), 0
    for size in [*cuts, broken]:
        received.add(data[place : place + size])
        place += size
    assert received.sha256 == hashlib.sha256(data).hexdigest()
    received.fall_back()
    assert received.size == len(data) // GRANULE * GRANULE
    assert received.sha256 == hashlib.sha256(data[: received.size]).hexdigest()
    assert received.head == data[: min(64, received.size)]


step = st.one_of(
    st.tuples(st.just("chunk"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("rest"), st.just(0), st.booleans()),
    st.tuples(st.just("broken"), st.integers(0, 3 * GRANULE), st.booleans()),
    st.tuples(st.just("ask"), st.just(0), st.booleans()),
    st.tuples(st.just("back"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("ahead"), st.integers(1, 3), st.booleans()),
)


class Sender:
    """A client and a server of one session without a network; the server side is the code under test."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.received = Received()
        self.total: int | None = None
        self.complete = False

    @property
    def stored(self) -> int:
        size = self.received.size
        return size if size == self.total else size - size % GRANULE

    def put(self, first: int, last: int, *, say_total: bool, arrives: int | None = None) -> None:
        """Send bytes first..last (exclusive); only `arrives` of them get through before the line breaks."""
        total = str(len(self.data)) if say_total or last == len(self.data) else "*"
        header = f"bytes {first}-{last - 1}/{total}"
        decision = decide(Progress(self.stored, self.total), header, last - first)
        if not isinstance(decision, Take):
            assert isinstance(decision, Refuse)
            assert first > self.stored or ((last - first) % GRANULE and last != len(self.data))
            return
        body = self.data[first:last]
        came = len(body) if arrives is None else min(arrives, len(body))
        self.received.fall_back()
        self.received.add(body[decision.skip : max(came, decision.skip)])
        if came < len(body):
            self.received.fall_back()
            return
        self.total = decision.total
        self.complete = decision.last


@given(size=st.integers(1, 12 * GRANULE), steps=st.lists(step, max_size=12), seed=st.integers(0, 9))
@settings(max_examples=150)
def test_any_sequence_of_chunks_breaks_and_questions_yields_exactly_the_bytes(
    size: int, steps: list[tuple[str, int, bool]], seed: int
):
    data = random.Random(seed).randbytes(size)
    session = Sender(data)
    for kind, amount, say_total in [*steps, ("rest", 0, True)]:
        if session.complete:
            break
        start = session.stored
        if kind == "chunk":
            session.put(start, min(size, start + amount * GRANULE), say_total=say_total)
        elif kind == "rest":
            session.put(start, size, say_total=True)
        elif kind == "broken":
            session.put(start, size, say_total=say_total, arrives=amount)
        elif kind == "back":
            first = max(0, start - amount * GRANULE)
            session.put(first, min(size, first + 4 * GRANULE), say_total=say_total)
        elif kind == "ahead" and start + (amount + 1) * GRANULE <= size:
            session.put(start + amount * GRANULE, start + (amount + 1) * GRANULE, say_total=say_total)
            assert session.stored == start
        else:
            asked = decide(Progress(session.stored, session.total), "bytes */*", 0)
            assert asked == Report(complete=session.stored == session.total, total=session.total)
    assert session.complete
    assert session.received.size == size
    assert session.received.sha256 == hashlib.sha256(data).hexdigest()


def test_a_session_keeps_nothing_of_the_bytes():
    received, block = Received(), bytes(2**20)
    tracemalloc.start()
    for _ in range(64):
        received.add(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received.size == 64 * 2**20
    assert peak < 2**16
