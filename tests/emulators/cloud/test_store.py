"""Firestore does what protocols believe of it, step by step as the model in memory does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import GoogleAPICallError, InvalidArgument, RetryError

from shared.cloud.calls import call_options
from shared.cloud.firestore import Store, listing
from shared.cloud.steps import ABSENT, PRESENT, Commit, Listing, Read, Total, Write
from tests.stands.firestore_in_memory import FirestoreInMemory


def one(step):
    return (yield step)


class Both:
    """The same steps on the emulator and in memory; versions are each side's own."""

    def __init__(self, client) -> None:
        store, model = Store(client), FirestoreInMemory()
        self.sides = {"emulator": lambda step: store.run(one(step)), "memory": model.answer}

    def ask(self, make):
        return {side: run(make(side)) for side, run in self.sides.items()}

    def same(self, make):
        answers = self.ask(make)
        assert plain(answers["emulator"]) == plain(answers["memory"])
        return plain(answers["memory"])

    def versions(self, path):
        return {side: found[path].version for side, found in self.ask(lambda _: Read((path,))).items()}


def plain(answer):
    """An answer without its versions."""
    if isinstance(answer, dict):
        return {key: doc and dict(doc.data) for key, doc in answer.items()}
    if isinstance(answer, tuple):
        return [dict(written.numbers) for written in answer]
    return answer


@pytest.fixture
def both(firestore_client):
    return Both(firestore_client)


def test_the_model_in_memory_answers_as_firestore_does(both):
    same = both.same
    add = {"spent": 3, "lent": 0, "hours.h05": 3}
    same(lambda _: Read(("q/d/accounts/a",)))
    same(lambda _: Commit((Write("q/d/accounts/a", {"at": 1}, add),)))
    entry = Write("q/d/entries/x", {"n": 1}, only_if=ABSENT)
    same(lambda _: Commit((Write("q/d/accounts/a", {"at": 2}, add), entry)))
    same(lambda _: Commit((Write("q/d/accounts/a", {}, add), entry)))
    seen = both.versions("q/d/accounts/a")
    same(lambda side: Commit((Write("q/d/accounts/a", {"at": 3}, {"spent": -1, "hours.h06": 1}, seen[side]),)))
    same(lambda side: Commit((Write("q/d/accounts/a", {"at": 4}, {"spent": -1}, seen[side]),)))
    same(lambda _: Commit((Write("q/d/accounts/b", {"at": 5}, {"spent": 7, "borrowed": 2}, ABSENT),)))
    same(lambda side: Commit((Write("q/d/accounts/none", {"at": 5}, {}, seen[side]),)))
    same(lambda _: Listing("q/d/accounts"))
    same(lambda _: Listing("q/d/accounts", where=("at", 5)))
    same(lambda _: Listing("q/d/accounts", above=("borrowed", 1)))
    same(lambda _: Listing("q/d/accounts", only=("at",)))
    same(lambda _: Total("q/d/accounts", "spent"))
    same(lambda _: Total("q/none/accounts", "spent"))
    seen = both.versions("q/d/entries/x")
    same(lambda side: Commit((Write("q/d/entries/x", only_if=seen[side], delete=True),)))
    same(lambda side: Commit((Write("q/d/entries/x", only_if=seen[side], delete=True),)))
    same(lambda _: Read(("q/d/accounts/a", "q/d/accounts/b", "q/d/entries/x")))


@pytest.mark.parametrize("condition", [None, PRESENT, "seen"])
def test_a_field_is_replaced_as_a_whole_and_a_dotted_name_reaches_into_it(both, condition):
    def written(**fields):
        seen = both.versions("c/d")

        def commit(side):
            only_if = seen[side] if condition == "seen" else condition
            return Commit((Write("c/d", fields["fields"], only_if=only_if, remove=fields.get("remove", ())),))

        both.same(commit)
        return both.same(lambda _: Read(("c/d",)))["c/d"]

    both.same(
        lambda _: Commit((Write("c/d", {"m.a": 1, "m.`2026-01-01`": {"x": 1}, "kept": True}, only_if=ABSENT),))
    )
    after = written(fields={"m.`2026-01-01`": {"y": 2}})
    assert after == {"m": {"a": 1, "2026-01-01": {"y": 2}}, "kept": True}
    assert written(fields={"m": {"b": 2}}) == {"m": {"b": 2}, "kept": True}
    assert written(fields={"n": 1}, remove=("m.b", "none.at_all")) == {"m": {}, "n": 1, "kept": True}
    assert written(fields={}, remove=("m",)) == {"n": 1, "kept": True}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("delete", "condition"), [(False, None), (False, ABSENT), (False, PRESENT), (True, None), (True, PRESENT)]
)
def test_conditions_hold_or_nothing_of_the_commit_is_done(both, there, condition, delete):
    if there:
        both.same(lambda _: Commit((Write("c/d", {"n": 1}),)))
    both.same(
        lambda _: Commit((Write("c/other", {"n": 1}), Write("c/d", {"n": 2}, only_if=condition, delete=delete)))
    )
    both.same(lambda _: Read(("c/d", "c/other")))


def test_commits_of_many_at_once_add_up_and_what_is_created_is_created_once(firestore_client):
    store = Store(firestore_client)

    def work(number):
        entry = f"q/d/entries/{number % 8}"  # each id is wanted twice: one of two wins
        writes = (Write("q/d/accounts/a", {}, {"spent": 1}), Write(entry, {"n": number}, only_if=ABSENT))
        return store.run(one(Commit(writes)))

    with ThreadPoolExecutor(16) as workers:
        answers = list(workers.map(work, range(16)))
    won = [answer for answer in answers if answer is not None]
    assert len(won) == 8
    assert sorted(answer[0].numbers["spent"] for answer in won) == list(range(1, 9))


def test_a_write_that_can_never_succeed_is_an_error_and_no_reason_to_look_again(firestore_client):
    with pytest.raises(InvalidArgument):
        Store(firestore_client).run(one(Commit((Write("c/d", {"text": "x" * 1_100_000}),))))


def test_a_firestore_that_does_not_answer_is_noticed_within_seconds(monkeypatch):
    from google.cloud import firestore

    from infra.local.process import LOOPBACK, free_port

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"{LOOPBACK}:{free_port()}")
    with pytest.raises((GoogleAPICallError, RetryError)):
        Store(firestore.Client(project="nobody")).run(one(Read(("q/d",))))


# --- listings ---------------------------------------------------------------------------------------------------


@pytest.fixture
def seven(firestore_client):
    for number in range(7):
        firestore_client.document(f"c/{number}").set({"n": 6 - number, "even": number % 2 == 0})
    return firestore_client.collection("c")


@pytest.mark.parametrize("page", [1, 3, 6, 7, 8])
def test_a_listing_of_any_number_of_pages_has_each_document_once(seven, page):
    from google.cloud.firestore_v1.base_query import FieldFilter

    def ids(query):
        return [found.id for found in listing(query, page=page)]

    assert ids(seven) == list("0123456")
    assert ids(seven.order_by("n")) == list("6543210")
    assert ids(seven.where(filter=FieldFilter("even", "==", True)).select([])) == list("0246")
    assert ids(seven.where(filter=FieldFilter("n", ">", 2)).select(["n"])) == list("3210")
    assert ids(seven.where(filter=FieldFilter("n", ">", 9))) == []


def test_a_listing_is_of_the_moment_of_its_first_page(seven):
    found = listing(seven, page=3)
    first = next(found)
    seven.document("5").delete()
    seven.document("55").set({"n": 1})
    assert [each.id for each in (first, *found)] == list("0123456")


def test_each_page_of_a_listing_has_a_deadline_of_its_own(seven, monkeypatch):
    """A reader that takes longer over all pages than one call may take still gets to the end."""
    import time

    from shared.cloud import firestore

    monkeypatch.setattr(firestore, "call_options", lambda: call_options(0.5))
    found = []
    for each in listing(seven, page=2):
        found.append(each.id)
        time.sleep(0.1)
    assert found == list("0123456")
