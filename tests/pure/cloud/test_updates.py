"""One optimistic update, step by step in memory: nothing is lost, nothing is done twice, and it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.encoding import nested
from shared.cloud.steps import (
    ABSENT,
    ATTEMPTS,
    PRESENT,
    WRITTEN_BY,
    Change,
    Commit,
    Contended,
    Doc,
    Docs,
    Pause,
    Steps,
    Write,
    parts_of,
    updating,
)
from tests.stands.actor import Actor
from tests.stands.firestore_in_memory import FirestoreInMemory

PATHS = ("c/one", "c/two")


def count(docs) -> int:
    return sum(doc.data["count"] for doc in docs.values() if doc is not None)


def adding(token: str, path: str = "c/one") -> Steps[int]:
    """Writes the sum of both documents and one more into one of them; a lost update would lose a number."""

    def decide(docs):
        mine = docs[path].data["count"] if docs[path] else 0
        return Change(count(docs) + 1, [Write(path, {"count": mine + 1})])

    return (yield from updating(PATHS, decide, token=token)).result


def test_an_absent_document_is_created_and_a_present_one_changed():
    store = FirestoreInMemory()
    assert store.run(adding("a")) == 1
    assert store.run(adding("b")) == 2
    assert dict(store.docs["c/one"].data) == {"count": 2, WRITTEN_BY: "b"}


def test_a_decision_without_writes_commits_nothing():
    store = FirestoreInMemory()
    assert store.run(updating(PATHS, lambda _: Change("as it is"), token="a")).result == "as it is"
    assert store.commits == 0


def test_what_the_decision_raises_is_raised_and_nothing_is_written():
    def refuse(_):
        raise ValueError("no")

    store = FirestoreInMemory()
    with pytest.raises(ValueError, match="no"):
        store.run(updating(PATHS, refuse, token="a"))
    assert store.commits == 0


def test_every_document_looked_at_and_written_must_be_as_it_was_seen():
    store = FirestoreInMemory()
    store.run(adding("a", "c/two"))

    def both(docs):
        return Change(count(docs), [Write("c/one", {"count": 10}), Write("c/two", delete=True)])

    actor = Actor(store, updating(PATHS, both, token="b"))
    actor.go()
    store.run(adding("c", "c/two"))
    actor.go()
    assert "c/one" not in store.docs
    assert actor.finish().result == 2
    assert set(store.docs) == {"c/one"}


@pytest.mark.parametrize(("condition", "there"), [(ABSENT, True), (PRESENT, False)])
def test_a_write_elsewhere_carries_its_own_condition(condition, there):
    store = FirestoreInMemory()
    if there:
        store.answer(Commit((Write("other/x", {"n": 1}),)))
    before = dict(store.docs)
    writes = [Write("c/one", {"count": 1}), Write("other/x", {"n": 2}, only_if=condition)]
    with pytest.raises(Contended):
        Actor(store, updating(PATHS, lambda _: Change(None, writes), token="a")).finish()
    assert store.docs == before


def test_contention_ends_after_some_attempts_each_after_a_longer_pause():
    store = FirestoreInMemory()
    store.crowded = True
    actor = Actor(store, adding("a"))
    with pytest.raises(Contended):
        actor.finish()
    assert [step.attempt for step in actor.taken if isinstance(step, Pause)] == list(range(ATTEMPTS))


@given(st.lists(st.integers(0, 3), max_size=80), st.lists(st.sampled_from(PATHS), min_size=4, max_size=4))
def test_updates_at_once_in_any_order_lose_nothing(order, paths):
    """Each of four is moved one step at a time by `order`, then all are finished."""
    store = FirestoreInMemory()
    actors = [Actor(store, adding(f"t{number}", path)) for number, path in enumerate(paths)]
    for number in order:
        actors[number].go()
    for actor in actors:
        actor.finish()
    assert count(dict(store.docs)) == 4


@given(st.sets(st.integers(0, 5)), st.integers(0, 3))
def test_an_update_whose_answers_are_lost_is_done_once(lost, others):
    store = FirestoreInMemory()
    for number in range(others):
        store.run(adding(f"o{number}"))
    assert Actor(store, adding("mine"), resend=lost).finish() == count(dict(store.docs)) == others + 1


def test_a_lost_answer_to_the_last_attempt_is_noticed():
    steps = updating(PATHS, lambda _: Change("done", [Write("c/one", {"count": 1})]), token="a", attempts=1)
    assert Actor(FirestoreInMemory(), steps, resend={0}).finish().result == "done"


def counting(docs) -> Change[int]:
    """Both documents, one higher, and a third that is not looked at."""
    writes = [Write(path, {"count": doc.data["count"] + 1 if doc else 1}) for path, doc in docs.items()]
    return Change(count(docs), [*writes, Write("other/x", {"n": 1})])


def test_what_was_seen_already_is_not_read_and_what_was_written_can_be_built_on():
    store = FirestoreInMemory()
    first = Actor(store, updating(PATHS, counting, token="a"))
    seen = first.finish()
    assert seen.versions == {path: store.docs[path].version for path in PATHS}
    known = Docs({path: Doc({"count": 1}, seen.versions[path]) for path in PATHS}, store.now)
    second = Actor(store, updating(PATHS, counting, token="b", seen=known))
    assert second.finish().result == 2
    assert [type(step) for step in second.taken] == [Commit]


def test_what_was_seen_and_is_no_longer_true_is_read_anew():
    store = FirestoreInMemory()
    store.run(adding("a"))
    steps = updating(PATHS, counting, token="b", seen=Docs(dict.fromkeys(PATHS), store.now))
    assert Actor(store, steps).finish().result == 1


def test_after_a_lost_answer_the_versions_are_known_too():
    store = FirestoreInMemory()
    updated = Actor(store, updating(PATHS, counting, token="a"), resend={0}).finish()
    assert updated.versions == {path: store.docs[path].version for path in PATHS}


@given(st.integers(0, 3))
def test_a_process_that_dies_between_two_steps_leaves_all_or_nothing(steps_done):
    store = FirestoreInMemory()

    def both(docs):
        return Change(None, [Write("c/one", {"count": 1}), Write("c/two", {"count": 1})])

    dying = Actor(store, updating(PATHS, both, token="a"))
    for _ in range(steps_done):
        dying.go()
    assert set(store.docs) in (set(), set(PATHS))


def test_the_token_goes_into_a_document_that_was_looked_at_and_stays():
    writes = [Write("other/x", {"n": 1}), Write("c/one", delete=True), Write("c/two", {"count": 1})]
    store = FirestoreInMemory()
    store.run(adding("a"))
    store.run(updating(PATHS, lambda _: Change(None, writes), token="mine"))
    assert {path: doc.data.get(WRITTEN_BY) for path, doc in store.docs.items()} == {
        "other/x": None,
        "c/two": "mine",
    }


def test_names_with_dots_reach_into_maps_and_backquotes_hold_what_is_no_plain_name():
    assert parts_of("days.`2026-01-01`.rows") == ["days", "2026-01-01", "rows"]
    assert nested({"a.b": 1, "a.`c.d`": 2, "e": 3}) == {"a": {"b": 1, "c.d": 2}, "e": 3}
