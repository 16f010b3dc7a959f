"""Random histories of the ledger's protocol: many at once, interleaved at every step, dying between any two,
with answers lost and commits repeated. After every step the books balance and nothing was paid out twice."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.cloud.steps import Commit
from shared.quota.accounts import POOLS, RESERVE, Opening
from shared.quota.decisions import Ask, Moment, Refusal
from shared.quota.profile import Priority
from shared.quota.protocol import (
    HELD,
    LAPSED,
    Contended,
    Hold,
    Place,
    Want,
    balance_of,
    borrowing,
    settling,
    spending,
    sweeping,
)
from tests.stands.firestore_in_memory import Shelf

PLACE = Place(date(2026, 11, 22), "default")
OPENING = Opening(
    limit=20,
    reserve=3,
    accounts={RESERVE: 3, "system-0": 2, "system-1": 2, "user:a": 5, "user:b": 4, POOLS[0]: 3, POOLS[1]: 1},
)
ACCOUNTS = ("system-0", "system-1", "user:a", "user:b", "user:new")
START = datetime(2026, 11, 22, 20, tzinfo=UTC)


class Running:
    """A protocol under way, and what its caller will have when it ends."""

    def __init__(self, steps: Any, want: Want | None = None, hold: Hold | None = None) -> None:
        self.steps, self.want, self.hold = steps, want, hold
        self.step = next(steps)


class Histories(RuleBasedStateMachine):
    """limit 20, of which 3 are the reserve."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()
        self.now = START
        self.running: list[Running] = []
        self.paid: dict[str, int] = {}
        """What callers hold and have not given back, by token: the truth that the ledger must cover."""
        self.priority: dict[str, Priority] = {}
        self.wants: list[Want] = []
        self.granted: list[Hold] = []
        self.settled: list[Hold] = []
        self.released: set[str] = set()
        self.tokens = itertools.count()
        self.slept = 0

    # --- what callers do ---------------------------------------------------------------------------------------

    @rule(
        account=st.sampled_from(ACCOUNTS),
        cost=st.integers(1, 3),
        most=st.integers(1, 3),
        least=st.integers(1, 3),
        priority=st.sampled_from(Priority),
        entry=st.sampled_from([None, "op1", "op2"]),
        day_left=st.sampled_from([0.0, 0.3, 1.0]),
        look_first=st.booleans(),
    )
    def ask(  # noqa: PLR0917
        self, account, cost, most, least, priority, entry, day_left, look_first
    ):
        least = min(least, most)
        want = Want(
            ask=Ask(
                account=account,
                cost=cost,
                units=cost * most,
                least=cost * least,
                priority=priority,
                seed=str(most),
            ),
            moment=Moment(day_left=day_left, allowance=2 if day_left == 0.3 else None),
            method="m",
            token=(token := f"t{next(self.tokens)}"),
            # An operation asks under one id for one thing, for one account.
            entry=f"{entry}-{account}-{cost}-{most}-{least}-{priority}" if entry else token,
            hour=3,
            at=self.now,
            lapses_at=self.now + timedelta(hours=1),
            expires_at=self.now,
        )
        self.wants.append(want)
        self._ask(want, look_first=look_first)

    def _ask(self, want: Want, *, look_first: bool) -> Running:
        protocol = borrowing if look_first else spending
        self.running.append(one := Running(protocol(PLACE, OPENING, want), want=want))
        return one

    @precondition(lambda self: self.wants)
    @rule(pick=st.integers(0, 1000), look_first=st.booleans())
    def ask_again(self, pick, look_first):
        """A second delivery, or a new attempt under an id that was settled."""
        self._ask_like(self.wants[pick % len(self.wants)], look_first=look_first)

    def _ask_like(self, want: Want, *, look_first: bool) -> Running:
        again = {"token": f"t{next(self.tokens)}", "at": self.now, "lapses_at": self.now + timedelta(hours=1)}
        return self._ask(replace(want, **again), look_first=look_first)

    @rule(units=st.integers(1, 6), priority=st.sampled_from([Priority.HIGH, Priority.CRITICAL]))
    def borrow_at_once(self, units, priority):
        """Two look at the same books before either writes."""
        for account in ("user:new", "system-1"):
            self.ask(account, 1, units, 1, priority, None, 1.0, True)
        for one in self.running[-2:]:
            while one in self.running and not isinstance(one.step, Commit):
                self._advance(one)

    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle(self, pick, used):
        if self.granted:
            hold = self.granted.pop(pick % len(self.granted))
            used = min(used, hold.units)
            # From here on the caller counts only on what he sent.
            self.released.add(hold.token)
            self.paid[hold.token] = min(self.paid.get(hold.token, 0), used)
            self._begin(settling(hold, used), hold)

    @precondition(lambda self: self.settled)
    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle_again(self, pick, used):
        """Late, twice, and with another figure: what was sent stays charged, and later attempts untouched."""
        hold = self.settled[pick % len(self.settled)]
        self._begin(settling(hold, min(used, hold.units)), hold)

    @precondition(lambda self: self.settled)
    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle_again_after_the_next_attempt(self, pick, used):
        hold = self.settled[pick % len(self.settled)]
        like = next(want for want in self.wants if want.entry == hold.entry)
        self._finish(self._ask_like(like, look_first=True))
        self.settle_again(pick, used)

    def _begin(self, steps: Any, hold: Hold | None = None) -> None:
        with contextlib.suppress(StopIteration):
            self.running.append(Running(steps, hold=hold))

    # --- how the world treats them -----------------------------------------------------------------------------

    @rule(pick=st.integers(0, 1000), times=st.integers(1, 6))
    def go_on(self, pick, times):
        for _ in range(times):
            if self.running:
                self._advance(self.running[pick % len(self.running)])

    @rule(pick=st.integers(0, 1000))
    def finish(self, pick):
        if self.running:
            self._finish(self.running[pick % len(self.running)])

    @rule()
    def finish_all(self):
        while self.running:
            self._finish(self.running[-1])

    def _finish(self, one: Running) -> Any:
        result = None
        while one in self.running:
            result = self._advance(one)
        return result

    @rule(pick=st.integers(0, 1000))
    def lose_an_answer(self, pick):
        """The commit happened, its answer was lost, and the client sends it again."""
        if self.running:
            one = self.running[pick % len(self.running)]
            if isinstance(one.step, Commit):
                self.shelf.answer(one.step)
            self._advance(one)

    @rule(pick=st.integers(0, 1000))
    def die(self, pick):
        if self.running:
            self.running.pop(pick % len(self.running)).steps.close()

    @precondition(lambda self: self.shelf.commits > self.slept + 8)
    @rule()
    def hours_pass(self):
        """Long enough that whoever is still under way has died; then the sweep runs."""
        self._bury()
        self._sweep()

    @rule()
    def sweep_among_the_living(self):
        """Whoever is under way was only stopped for hours and goes on, beside this sweep and maybe another."""
        self.now += timedelta(hours=2)
        self._begin(sweeping(PLACE, OPENING, self.now))

    def _bury(self) -> None:
        for one in self.running:
            one.steps.close()
        self.running.clear()
        self.now += timedelta(hours=2)
        self.slept = self.shelf.commits

    def _sweep(self) -> None:
        steps = sweeping(PLACE, OPENING, self.now)
        answer = None
        try:
            while True:
                answer = self.shelf.answer(steps.send(answer))
        except StopIteration:
            pass

    def _advance(self, one: Running) -> Any:
        try:
            one.step = one.steps.send(self.shelf.answer(one.step))
        except StopIteration as done:
            self.running.remove(one)
            return self._ended(one, done.value)
        except Contended:
            self.running.remove(one)
        return None

    def _ended(self, one: Running, result: Any) -> Any:
        if isinstance(result, Hold):
            assert one.want is not None
            assert one.want.ask.least <= result.units <= one.want.ask.units
            if result.token in self.released:
                return result  # the first delivery is giving it back; the second one has nothing to count on
            self.paid[result.token] = result.units
            self.priority[result.token] = one.want.ask.priority
            if all(hold.token != result.token for hold in self.granted):
                self.granted.append(result)
        elif one.hold is not None:
            self.settled.append(one.hold)
        return result

    # --- what always holds -------------------------------------------------------------------------------------

    def balances(self) -> dict[str, Any]:
        stored = {p.rpartition("/")[2]: d.data for p, d in self.shelf.docs.items() if p.startswith(PLACE.accounts)}
        return {name: balance_of(OPENING, name, stored.get(name)) for name in {*OPENING.accounts, *stored}}

    @invariant()
    def loans_balance(self):
        balances = self.balances().values()
        assert sum(b.borrowed for b in balances) == sum(b.lent for b in balances)
        assert sum(b.opening for b in balances) == OPENING.limit

    @invariant()
    def every_unit_stands_in_an_entry(self):
        """Nothing is lost and nothing appears: what accounts spent is what entries hold or charge."""
        accounts, entries = self._stored(PLACE.accounts), self._stored(PLACE.entries)
        spent = sum(data.get("spent", 0) + data.get("written_off", 0) for data in accounts)
        held = sum(data["units"] for data in entries if data["state"] == HELD)
        assert spent == held + sum(data.get("charged", 0) for data in entries)

    def _stored(self, collection: str) -> list[Any]:
        return [doc.data for path, doc in self.shelf.docs.items() if path.startswith(f"{collection}/")]

    @invariant()
    def what_is_granted_is_settled_by_its_own_caller_or_lapses(self):
        for hold in self.granted:
            entry = self.shelf.docs[PLACE.entry(hold.entry)].data
            assert entry["token"] != hold.token or entry["state"] in {HELD, LAPSED}

    @invariant()
    def nobody_lends_what_he_does_not_have(self):
        balances = self.balances()
        assert all(balances[lender].available >= 0 for lender in (RESERVE, *POOLS[:2]))

    @invariant()
    def never_over_the_limit(self):
        assert sum(self.paid.values()) <= OPENING.limit

    @invariant()
    def what_was_paid_out_is_in_the_books(self):
        assert sum(self.paid.values()) <= sum(b.spent for b in self.balances().values())

    @invariant()
    def the_reserve_goes_to_critical_work_alone(self):
        plain = sum(u for token, u in self.paid.items() if self.priority.get(token) != Priority.CRITICAL)
        lent = self.balances()[RESERVE].lent
        assert lent <= OPENING.reserve
        if not any(p == Priority.CRITICAL for p in self.priority.values()):
            assert plain <= OPENING.limit - OPENING.reserve

    def teardown(self):
        """However it went, what is left can be spent to the last unit, and then nothing can."""
        self._bury()
        self._sweep()
        assert not [data for data in self._stored(PLACE.entries) if data["state"] == HELD]
        for priority, reachable in ((Priority.HIGH, False), (Priority.CRITICAL, True)):
            left = sum(max(0, b.available) for n, b in self.balances().items() if reachable or n != RESERVE)
            spent = sum(self._spend_one(priority) for _ in range(left))
            assert spent == left
            assert self._spend_one(priority) == 0
        assert all(b.available == 0 for b in self.balances().values())

    def _spend_one(self, priority: Priority) -> int:
        self.ask("user:b", 1, 1, 1, priority, None, 1.0, True)
        result = self._finish(self.running[-1])
        assert isinstance(result, Hold | Refusal)
        return result.units if isinstance(result, Hold) else 0


TestHistories = pytest.mark.fault(20)(pytest.mark.fault(19)(Histories.TestCase))
TestHistories.settings = settings(max_examples=150, stateful_step_count=70)
