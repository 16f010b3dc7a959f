"""Admissions that meet, step by step in memory; and what a process remembers of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.steps import ABSENT, Doc, Write, updating
from shared.rate_limits.limiter import Denial, admitted
from shared.rate_limits.limits import FRESH, MOST, SKEW, Memory, RateLimit, unpacked
from tests.stands.actor import Actor
from tests.stands.firestore_in_memory import FirestoreInMemory

NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
WINDOW = timedelta(seconds=60)
USER, PROJECT = "rate_limits/test:user:u", "rate_limits/test:project"


def limits(calls: int, *paths: str) -> dict[str, RateLimit]:
    limit = RateLimit(name="test", methods=("*",), per=("user", "project"), calls=calls, window=60)
    return dict.fromkeys(paths or (USER, PROJECT), limit)


def admission(store: FirestoreInMemory, token: str, met: dict[str, RateLimit], also=(), resend=()) -> Actor:
    return Actor(store, deciding(list(met), partial(admitted, met, lambda: NOON, also=also), token), resend)


def deciding(paths, decide, token):
    return (yield from updating(paths, decide, token=token)).result


def counted(store: FirestoreInMemory, path: str) -> int:
    return len(unpacked(store.docs[path].data).stamps) if path in store.docs else 0


@given(st.integers(1, 5), st.lists(st.integers(0, 4), max_size=80))
def test_of_admissions_at_once_exactly_as_many_go_as_the_limit_allows(calls, order):
    """Five are moved one step at a time by `order`, then all are finished."""
    store = FirestoreInMemory()
    met = {**limits(9, USER), **limits(calls, PROJECT)}
    actors = [admission(store, f"t{number}", met) for number in range(5)]
    for number in order:
        actors[number].go()
    denied = [isinstance(actor.finish(), Denial) for actor in actors]
    assert denied.count(False) == counted(store, PROJECT) == counted(store, USER) == calls


def test_a_call_whose_answer_was_lost_counts_once():
    store = FirestoreInMemory()
    assert not isinstance(admission(store, "mine", limits(3), resend={0}).finish(), Denial)
    assert counted(store, USER) == 1


def test_what_goes_with_a_call_is_written_if_it_is_admitted_and_only_then():
    store = FirestoreInMemory()
    for name in ("first", "second"):
        also = [Write(f"consents/{name}", {"user_id": "u"}, only_if=ABSENT)]
        admission(store, name, limits(1), also).finish()
    assert set(store.docs) == {USER, PROJECT, "consents/first"}


def test_a_document_is_kept_until_none_of_its_calls_counts_on_any_clock():
    store = FirestoreInMemory()
    admission(store, "first", limits(1, USER)).finish()
    assert store.docs[USER].data["expires_at"] > NOON + WINDOW + SKEW


def test_a_denial_names_the_limit_and_the_moment_and_counts_by_no_limit():
    store = FirestoreInMemory()
    admission(store, "first", limits(1, PROJECT)).finish()
    assert admission(store, "second", limits(1)).finish() == Denial(PROJECT, NOON + WINDOW)
    assert counted(store, USER) == 0


def test_in_a_projects_document_each_user_has_his_own_limit_and_who_is_quiet_is_forgotten():
    store = FirestoreInMemory()

    def denied(user: str) -> bool:
        met = {**limits(9, PROJECT), **limits(1, f"{PROJECT}#test:user:{user}")}
        steps = deciding([PROJECT], partial(admitted, met, lambda: store.now), f"{user} {store.now}")
        return isinstance(store.run(steps), Denial)

    assert [denied(user) for user in ("a", "b", "a", "b")] == [False, False, True, True]
    store.now += timedelta(hours=1)
    assert [denied(user) for user in ("a", "c", "a")] == [False, False, True]
    assert set(store.docs) == {PROJECT}
    assert set(store.docs[PROJECT].data["parts"]) == {"test:user:a", "test:user:c"}


# --- memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "remembered"), [(timedelta(0), True), (FRESH, False), (-timedelta(1), False)])
def test_what_was_seen_is_built_on_for_a_moment_by_the_servers_clock(waited, remembered):
    memory, server = Memory(), NOON + timedelta(seconds=30)
    memory.remember({USER: Doc({"n": 1}, 1), PROJECT: None}, server=server, local=NOON)
    docs = memory.docs([USER, PROJECT], NOON + waited)
    assert (docs is not None) == remembered
    if docs is not None:
        assert (dict(docs), docs.at) == ({USER: Doc({"n": 1}, 1), PROJECT: None}, server + waited)


def test_of_two_estimates_of_the_servers_clock_the_earlier_counts_because_it_denies_more():
    memory = Memory()
    memory.remember({USER: None}, server=NOON, local=NOON)
    memory.remember({PROJECT: None}, server=NOON - timedelta(seconds=3), local=NOON)
    docs = memory.docs([USER, PROJECT], NOON)
    assert docs is not None
    assert docs.at == NOON - timedelta(seconds=3)


def test_all_documents_must_have_been_seen():
    memory = Memory()
    memory.remember({USER: None}, server=NOON, local=NOON)
    assert memory.docs([USER, PROJECT], NOON) is None


@pytest.mark.parametrize(
    ("at", "denied"),
    [
        (NOON, True),
        (NOON + WINDOW - timedelta(microseconds=1), True),
        (NOON + WINDOW, False),
        (
            NOON - timedelta(microseconds=1),
            False,
        ),  # the clock was set back
    ],
)
def test_a_denial_is_remembered_until_its_end_and_no_longer_than_its_window(at, denied):
    memory = Memory()
    memory.deny(USER, NOON + WINDOW)
    assert memory.denied_until(USER, at, WINDOW) == (NOON + WINDOW if denied else None)
    assert memory.denied_until(PROJECT, at, WINDOW) is None


def test_a_process_that_meets_very_many_keys_forgets_and_does_not_grow():
    memory = Memory()
    for number in range(MOST + 2):
        memory.remember({f"k{number}": None}, server=NOON, local=NOON)
    assert memory.docs(["k0"], NOON) is None
    assert memory.docs([f"k{MOST + 1}"], NOON) is not None
