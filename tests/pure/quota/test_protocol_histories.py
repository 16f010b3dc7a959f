"""Random histories of the ledger's protocol: many at once, interleaved at every step, dying between any two,
with answers lost and commits repeated. After every step the ledger balances and nothing was paid out twice."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.cloud.steps import Commit, Contended, Write
from shared.quota.accounts import FUNDS, POOL, SYSTEM, Allocation, BucketDay
from shared.quota.decisions import Moment, Refusal, ReservationRequest
from shared.quota.profile import Method, Priority
from shared.quota.protocol import borrowing, spending
from shared.quota.reservation import HELD, LAPSED, Entry, NewEntry, settling, sweeping
from tests.stands.firestore_in_memory import FirestoreInMemory

BUCKET_DAY = BucketDay(date(2026, 11, 22), "default")
LIMIT, RESERVE, UNCLAIMED = 20, 3, 8
"""Of 20 units 3 are the reserve, 4 are for system work, and 13 are the pool: 4 the share of each of two users."""
ACCOUNTS = ("system-0", "system-1", "user:a", "user:b", "user:new")
START = datetime(2026, 11, 22, 20, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, and the name under which it is made."""

    moment: Moment
    new: NewEntry

    def again(self, token: str, now: datetime) -> Asked:
        """The same under the same name: a second delivery, or a new attempt."""
        return replace(self, new=replace(self.new, token=token, at=now, lapses_at=now + timedelta(hours=1)))


def divided() -> FirestoreInMemory:
    """A day that has just begun."""
    store = FirestoreInMemory()
    allocation = Allocation(limit=LIMIT, reserve=RESERVE, system=4, share=4.0, unclaimed=UNCLAIMED)
    store.answer(Commit((Write(BUCKET_DAY.path, {"allocation": asdict(allocation), **allocation.funds()}),)))
    store.commits = 0
    return store


class Running:
    """A protocol under way, and what its caller will have when it ends."""

    def __init__(self, steps: Any, asked: Asked | None = None, entry: Entry | None = None) -> None:
        self.steps, self.asked, self.entry = steps, asked, entry
        self.step = next(steps)


class Histories(RuleBasedStateMachine):
    """Callers that reserve, settle, die and are swept, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = divided()
        self.now = START
        self.running: list[Running] = []
        self.paid: dict[str, int] = {}
        """What callers hold and have not given back, by token: the truth that the ledger must cover."""
        self.priority: dict[str, Priority] = {}
        self.asked: list[Asked] = []
        self.granted: list[Entry] = []
        self.settled: list[Entry] = []
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
        charged=st.booleans(),
    )
    def ask(  # noqa: PLR0917
        self, account, cost, most, least, priority, entry, day_left, look_first, charged=False
    ):
        least = min(least, most)
        token = f"t{next(self.tokens)}"
        asked = Asked(
            moment=Moment(day_left=day_left, allowance=2 if day_left == 0.3 else None),
            new=NewEntry(
                bucket_day=BUCKET_DAY,
                request=ReservationRequest(
                    account=account,
                    price=Method(id="m", bucket="default", cost=cost),
                    units=cost * most,
                    least=cost * least,
                    priority=priority,
                    seed=str(most),
                ),
                # An operation asks under one id for one thing, for one account.
                id=f"{entry}-{account}-{cost}-{most}-{least}-{priority}" if entry else token,
                token=token,
                at=self.now,
                lapses_at=self.now + timedelta(hours=1),
                charged=charged,
            ),
        )
        self.asked.append(asked)
        self._ask(asked, look_first=look_first)

    def _ask(self, asked: Asked, *, look_first: bool) -> Running:
        new = asked.new
        if look_first or new.charged or BUCKET_DAY.account(new.request.account) not in self.store.docs:
            one = Running(borrowing(new, asked.moment), asked=asked)
        else:
            one = Running(spending(new), asked=asked)
        self.running.append(one)
        return one

    @precondition(lambda self: self.asked)
    @rule(pick=st.integers(0, 1000), look_first=st.booleans())
    def ask_again(self, pick, look_first):
        """A second delivery, or a new attempt under an id that was settled."""
        self._ask_like(self.asked[pick % len(self.asked)], look_first=look_first)

    def _ask_like(self, asked: Asked, *, look_first: bool) -> Running:
        return self._ask(asked.again(f"t{next(self.tokens)}", self.now), look_first=look_first)

    @rule(units=st.integers(1, 6), priority=st.sampled_from([Priority.HIGH, Priority.CRITICAL]))
    def borrow_at_once(self, units, priority):
        """Two look at the same day before either writes."""
        for account in ("user:new", "system-1"):
            self.ask(account, 1, units, 1, priority, None, 1.0, True)
        for one in self.running[-2:]:
            while one in self.running and not isinstance(one.step, Commit):
                self._advance(one)

    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle(self, pick, used):
        if self.granted:
            entry = self.granted.pop(pick % len(self.granted))
            used = min(used, entry.units)
            # From here on the caller counts only on what he sent.
            self.released.add(entry.token)
            self.paid[entry.token] = min(self.paid.get(entry.token, 0), used)
            if used < entry.units or not entry.charged:
                self._begin(settling(entry, used), entry)

    @precondition(lambda self: self.settled)
    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle_again(self, pick, used):
        """Late, twice, and with another figure: what was sent stays charged, and later attempts untouched."""
        entry = self.settled[pick % len(self.settled)]
        self._begin(settling(entry, min(used, entry.units)), entry)

    @precondition(lambda self: self.settled)
    @rule(pick=st.integers(0, 1000), used=st.integers(0, 12))
    def settle_again_after_the_next_attempt(self, pick, used):
        entry = self.settled[pick % len(self.settled)]
        like = next(asked for asked in self.asked if asked.new.id == entry.id)
        self._finish(self._ask_like(like, look_first=True))
        self.settle_again(pick, used)

    def _begin(self, steps: Any, entry: Entry | None = None) -> None:
        with contextlib.suppress(StopIteration):
            self.running.append(Running(steps, entry=entry))

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
                self.store.answer(one.step)
            self._advance(one)

    @rule(pick=st.integers(0, 1000))
    def die(self, pick):
        if self.running:
            self.running.pop(pick % len(self.running)).steps.close()

    @precondition(lambda self: self.store.commits > self.slept + 8)
    @rule()
    def hours_pass(self):
        """Long enough that whoever is still under way has died; then the sweep runs."""
        self._bury()
        self._sweep()

    @rule()
    def sweep_among_the_living(self):
        """Whoever is under way was only stopped for hours and goes on, beside this sweep and maybe another."""
        self.now += timedelta(hours=2)
        self._begin(sweeping(self.now))

    def _bury(self) -> None:
        for one in self.running:
            one.steps.close()
        self.running.clear()
        self.now += timedelta(hours=2)
        self.slept = self.store.commits

    def _sweep(self) -> None:
        steps = sweeping(self.now)
        answer = None
        try:
            while True:
                answer = self.store.answer(steps.send(answer))
        except StopIteration:
            pass

    def _advance(self, one: Running) -> Any:
        try:
            one.step = one.steps.send(self.store.answer(one.step))
        except StopIteration as done:
            self.running.remove(one)
            return self._ended(one, done.value)
        except Contended:
            self.running.remove(one)
        return None

    def _ended(self, one: Running, result: Any) -> Any:
        if isinstance(result, Entry):
            assert one.asked is not None
            request = one.asked.new.request
            assert request.least <= result.units <= request.units
            if result.token in self.released:
                return result  # the first delivery is giving it back; the second one has nothing to count on
            self.paid[result.token] = result.units
            self.priority[result.token] = request.priority
            if all(entry.token != result.token for entry in self.granted):
                self.granted.append(result)
        elif one.entry is not None:
            self.settled.append(one.entry)
        return result

    # --- what always holds -------------------------------------------------------------------------------------

    def accounts(self) -> dict[str, Any]:
        return {
            p.rpartition("/")[2]: d.data for p, d in self.store.docs.items() if p.startswith(BUCKET_DAY.accounts)
        }

    @property
    def day(self) -> Any:
        return self.store.docs[BUCKET_DAY.path].data

    def left(self, *, with_reserve: bool) -> int:
        funds = FUNDS if with_reserve else (POOL, SYSTEM)
        accounts = sum(max(0, data["left"]) for data in self.accounts().values())
        return accounts + sum(self.day[fund]["left"] for fund in funds)

    @invariant()
    def loans_balance(self):
        accounts = self.accounts().values()
        lent = sum(data["lent"] for data in accounts) + sum(self.day[fund]["lent"] for fund in FUNDS)
        assert sum(data["borrowed"] for data in accounts) == lent

    @invariant()
    def accounts_sum_to_the_limit(self):
        accounts = self.accounts().values()
        for data in accounts:
            assert data["left"] == data["share"] + data["borrowed"] - data["lent"] - data["spent"]
        funds = sum(self.day[fund]["left"] for fund in FUNDS)
        assert sum(data["left"] + data["spent"] for data in accounts) + funds == LIMIT

    @invariant()
    def a_share_is_claimed_once(self):
        claimed = {name: data["share"] for name, data in self.accounts().items() if name.startswith("user:")}
        assert all(share <= 4 for share in claimed.values())
        assert self.day[POOL]["share"] == max(0, UNCLAIMED - sum(claimed.values()))

    @invariant()
    def background_work_is_counted_apart(self):
        assert all(data.get("background", 0) >= 0 for data in self.accounts().values())

    @invariant()
    def every_unit_stands_in_an_entry(self):
        """Nothing is lost and nothing appears: what accounts spent is what entries hold or charge."""
        accounts, entries = self._stored(BUCKET_DAY.accounts), self._stored(BUCKET_DAY.entries)
        spent = sum(data.get("spent", 0) + data.get("written_off", 0) for data in accounts)
        held = sum(data["units"] for data in entries if data["state"] == HELD)
        assert spent == held + sum(data.get("charged", 0) for data in entries)

    def _stored(self, collection: str) -> list[Any]:
        return [doc.data for path, doc in self.store.docs.items() if path.startswith(f"{collection}/")]

    @invariant()
    def what_is_granted_is_settled_by_its_own_caller_or_lapses(self):
        for entry in self.granted:
            stored = self.store.docs[entry.path].data
            assert stored["token"] != entry.token or stored["state"] in {HELD, LAPSED} or entry.charged

    @invariant()
    def nobody_lends_what_he_does_not_have(self):
        assert all(self.day[fund]["left"] >= 0 for fund in FUNDS)

    @invariant()
    def never_over_the_limit(self):
        assert sum(self.paid.values()) <= LIMIT

    @invariant()
    def what_was_paid_out_is_counted(self):
        assert sum(self.paid.values()) <= sum(data["spent"] for data in self.accounts().values())

    @invariant()
    def the_reserve_goes_to_critical_work_alone(self):
        plain = sum(u for token, u in self.paid.items() if self.priority.get(token) != Priority.CRITICAL)
        if not any(p == Priority.CRITICAL for p in self.priority.values()):
            assert plain <= LIMIT - RESERVE

    def teardown(self):
        """However it went, what is left can be spent to the last unit, and then nothing can."""
        self._bury()
        self._sweep()
        assert not [data for data in self._stored(BUCKET_DAY.entries) if data["state"] == HELD]
        for priority in (Priority.HIGH, Priority.CRITICAL):
            left = self.left(with_reserve=priority == Priority.CRITICAL)
            spent = sum(self._spend_one(priority) for _ in range(left))
            assert spent == left
            assert self._spend_one(priority) == 0
        assert self.left(with_reserve=True) == 0

    def _spend_one(self, priority: Priority) -> int:
        self.ask("user:b", 1, 1, 1, priority, None, 1.0, True)
        result = self._finish(self.running[-1])
        assert isinstance(result, Entry | Refusal)
        return result.units if isinstance(result, Entry) else 0


TestHistories = pytest.mark.fault(20)(pytest.mark.fault(19)(Histories.TestCase))
TestHistories.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=70)
