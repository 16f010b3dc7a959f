"""Firestore does what the ledger's protocol believes of it, step by step as the model in memory does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import Unavailable
from shared.quota.books import Books
from shared.quota.steps import ABSENT, Commit, Listing, Read, Total, Write
from tests.stands.firestore_in_memory import Shelf


def one(step):
    return (yield step)


def both(firestore_client):
    """The same steps on the emulator and on the shelf; versions are each side's own."""
    books, shelf = Books(firestore_client), Shelf()

    def ask(make):
        answers = []
        for side, run in (("emulator", lambda step: books.run(one(step))), ("shelf", shelf.answer)):
            answers.append(run(make(side)))
        return answers

    return ask


def plain(answer):
    """An answer without its versions."""
    if isinstance(answer, dict):
        return {key: doc and dict(doc.data) for key, doc in answer.items()}
    if isinstance(answer, tuple):
        return [dict(written.numbers) for written in answer]
    return answer


def test_the_model_in_memory_answers_as_firestore_does(firestore_client):
    ask = both(firestore_client)
    versions: dict[str, object] = {}

    def same(make):
        answers = ask(make)
        assert plain(answers[0]) == plain(answers[1])
        return answers

    def remember(path):
        for side, found in zip(("emulator", "shelf"), ask(lambda side: Read((path,))), strict=True):
            versions[side] = found[path].version

    add = {"spent": 3, "lent": 0, "hours.h05": 3}
    same(lambda side: Read(("q/d/accounts/a",)))
    same(lambda side: Commit((Write("q/d/accounts/a", {"at": 1}, add),)))
    same(
        lambda side: Commit(
            (Write("q/d/accounts/a", {"at": 2}, add), Write("q/d/entries/x", {"n": 1}, only_if=ABSENT))
        )
    )
    same(lambda side: Commit((Write("q/d/accounts/a", {}, add), Write("q/d/entries/x", {"n": 2}, only_if=ABSENT))))
    remember("q/d/accounts/a")
    same(lambda side: Commit((Write("q/d/accounts/a", {"at": 3}, {"spent": -1, "hours.h06": 1}, versions[side]),)))
    same(lambda side: Commit((Write("q/d/accounts/a", {"at": 4}, {"spent": -1}, versions[side]),)))
    same(lambda side: Commit((Write("q/d/accounts/b", {"at": 5}, {"spent": 7, "borrowed": 2}, ABSENT),)))
    same(lambda side: Commit((Write("q/d/accounts/none", {"at": 5}, {}, versions[side]),)))
    same(lambda side: Listing("q/d/accounts"))
    same(lambda side: Listing("q/d/accounts", where=("at", 5)))
    same(lambda side: Listing("q/d/accounts", above=("borrowed", 1)))
    same(lambda side: Total("q/d/accounts", "spent"))
    same(lambda side: Total("q/none/accounts", "spent"))
    remember("q/d/entries/x")
    same(lambda side: Commit((Write("q/d/entries/x", only_if=versions[side], delete=True),)))
    same(lambda side: Commit((Write("q/d/entries/x", only_if=versions[side], delete=True),)))
    same(lambda side: Read(("q/d/accounts/a", "q/d/accounts/b", "q/d/entries/x")))


def test_commits_that_wait_for_each_other_go_together_and_each_gets_its_own_answer(firestore_client):
    books, gate = Books(firestore_client), threading.Barrier(16)

    def work(number):
        gate.wait()
        entry = f"q/d/entries/{number % 8}"  # each id is wanted twice: one of two wins
        writes = (Write("q/d/accounts/a", {}, {"spent": 1}), Write(entry, {"n": number}, only_if=ABSENT))
        return books.run(one(Commit(writes)))

    with ThreadPoolExecutor(16) as workers:
        answers = list(workers.map(work, range(16)))
    won = [answer for answer in answers if answer is not None]
    assert len(won) == 8
    assert sorted(answer[0].numbers["spent"] for answer in won) == list(range(1, 9))


def test_a_ledger_that_does_not_answer_is_noticed_within_seconds(monkeypatch):
    from google.cloud import firestore

    from infra.local.process import LOOPBACK, free_port

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"{LOOPBACK}:{free_port()}")
    books = Books(firestore.Client(project="nobody"))
    with pytest.raises(Unavailable) as error:
        books.run(one(Read(("q/d",))))
    assert error.value.reason == "ledgerUnavailable"
