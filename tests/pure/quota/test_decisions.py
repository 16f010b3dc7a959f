"""Who may take whose units, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.quota.accounts import POOLS, RESERVE, SYSTEMS, Balance, Opening, account_of, divide, name_of
from shared.quota.decisions import Ask, Book, Loan, Moment, Refusal, Spend, after, decide
from shared.quota.profile import Bucket, Priority

MORNING, EVENING = Moment(day_left=0.9), Moment(day_left=0.05)


def book(reserve: int = 0, *, spent: dict[str, int] | None = None, **shares: int) -> Book:
    accounts = {
        name.replace("_", "-") if name.startswith("pool") else f"user:{name}": u for name, u in shares.items()
    }
    opening = Opening(
        limit=sum(accounts.values()) + reserve, reserve=reserve, accounts={**accounts, RESERVE: reserve}
    )
    balances = {f"user:{name}": Balance(opening.of(f"user:{name}"), spent=u) for name, u in (spent or {}).items()}
    return Book(opening=opening, balances=balances)


def ask(
    units: int, *, priority: Priority = Priority.NORMAL, user: str = "me", least: int | None = None, cost: int = 1
) -> Ask:
    return Ask(account=f"user:{user}", cost=cost, units=units, least=least or units, priority=priority)


def test_ones_own_share_comes_first():
    assert decide(book(me=10, other=10), ask(10), MORNING) == Spend(units=10)


def test_high_priority_borrows_from_idle_users_from_as_many_as_it_takes():
    answer = decide(book(me=2, a=3, b=3, c=3), ask(10, priority=Priority.HIGH), MORNING)
    assert isinstance(answer, Spend)
    assert sum(loan.units for loan in answer.loans) == 8
    assert {loan.lender for loan in answer.loans} == {"user:a", "user:b", "user:c"}


def test_who_used_least_lends_first():
    answer = decide(book(me=0, a=10, b=10, spent={"a": 5}), ask(5, priority=Priority.HIGH), MORNING)
    assert isinstance(answer, Spend)
    assert [loan.lender for loan in answer.loans] == ["user:b"]


def test_what_belongs_to_nobody_is_lent_before_anybodys_share():
    answer = decide(book(me=0, a=10, pool_0=3), ask(5, priority=Priority.HIGH), MORNING)
    assert isinstance(answer, Spend)
    assert [(loan.lender, loan.units) for loan in answer.loans] == [(POOLS[0], 3), ("user:a", 2)]


def test_the_parts_of_system_work_lend_to_each_other_at_any_time():
    opening = Opening(limit=8, reserve=0, accounts={SYSTEMS[0]: 4, SYSTEMS[1]: 4})
    wanted = Ask(account=SYSTEMS[0], cost=1, units=6, least=6, priority=Priority.NORMAL)
    answer = decide(Book(opening=opening, balances={}), wanted, MORNING)
    assert answer == Spend(units=6, loans=(Loan(SYSTEMS[1], 2),))


def test_normal_work_leaves_idle_users_what_they_may_still_need_today():
    refusal = decide(book(me=0, a=10), ask(5), MORNING)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "shareSpentNobodyToBorrowFrom"
    # Half of the share is free when half of the day is left.
    assert 0.5 <= refusal.day_left < 0.6
    assert isinstance(decide(book(me=0, a=10), ask(5), Moment(day_left=refusal.day_left)), Spend)
    assert isinstance(decide(book(me=0, a=10), ask(10), EVENING), Spend)


def test_only_critical_work_enters_the_reserve():
    for priority in (Priority.BACKGROUND, Priority.NORMAL, Priority.HIGH):
        refusal = decide(book(reserve=5, me=5, spent={"me": 5}), ask(5, priority=priority), MORNING)
        assert refusal == Refusal(reason="reserveKept")
    granted = decide(book(reserve=5, me=0), ask(5, priority=Priority.CRITICAL), MORNING)
    assert isinstance(granted, Spend)
    assert [loan.lender for loan in granted.loans] == [RESERVE]


def test_the_reserve_is_the_last_that_critical_work_takes():
    granted = decide(book(reserve=5, me=2, a=2), ask(5, priority=Priority.CRITICAL), MORNING)
    assert isinstance(granted, Spend)
    assert [(loan.lender, loan.units) for loan in granted.loans] == [("user:a", 2), (RESERVE, 1)]


def test_refusals_tell_spent_from_kept_from_impossible():
    empty = book(reserve=3, me=4, spent={"me": 4})
    assert decide(empty, ask(4), MORNING) == Refusal(reason="bucketSpent")
    assert decide(empty, ask(3), MORNING) == Refusal(reason="reserveKept")
    assert decide(empty, ask(5), MORNING) == Refusal(reason="neverFits")


def test_background_work_borrows_only_off_peak_and_only_its_allowance():
    background = ask(4, priority=Priority.BACKGROUND)
    assert decide(book(me=4), background, MORNING) == Spend(units=4)
    idle = book(me=0, a=10, pool_0=10)
    assert decide(idle, background, MORNING) == Refusal(reason="offPeakOnly")
    assert decide(idle, background, Moment(day_left=0.9, allowance=3)) == Refusal(reason="allowanceSpent")
    granted = decide(idle, background, Moment(day_left=0.9, allowance=4))
    assert isinstance(granted, Spend)
    assert sum(loan.units for loan in granted.loans) == 4


def test_background_work_of_the_system_has_all_of_its_parts_at_any_time_and_takes_them_first():
    opening = Opening(limit=18, reserve=0, accounts={SYSTEMS[0]: 4, SYSTEMS[1]: 4, POOLS[0]: 10})
    day = Book(opening=opening, balances={})
    wanted = Ask(account=SYSTEMS[0], cost=1, units=8, least=8, priority=Priority.BACKGROUND)
    granted = decide(day, wanted, MORNING)
    assert granted == Spend(units=8, loans=(Loan(SYSTEMS[1], 4),))
    assert decide(after(day, wanted, granted), wanted, MORNING) == Refusal(reason="offPeakOnly")
    more = Ask(account=SYSTEMS[0], cost=1, units=10, least=10, priority=Priority.BACKGROUND)
    assert decide(day, more, Moment(day_left=0.9, allowance=1)) == Refusal(reason="allowanceSpent")
    granted = decide(day, more, Moment(day_left=0.9, allowance=2))
    assert granted == Spend(units=10, loans=(Loan(SYSTEMS[1], 4), Loan(POOLS[0], 2)))


def test_a_lease_takes_what_there_is_in_whole_calls():
    answer = decide(book(me=11), ask(20, least=5, cost=5), MORNING)
    assert answer == Spend(units=10)


@given(
    shares=st.lists(st.integers(0, 20), min_size=1, max_size=6),
    pool=st.integers(0, 30),
    reserve=st.integers(0, 9),
    units=st.integers(1, 60),
    priority=st.sampled_from(Priority),
    day_left=st.floats(0, 1),
)
def test_a_grant_leaves_no_account_below_zero_and_loses_nothing(  # noqa: PLR0917
    shares, pool, reserve, units, priority, day_left
):
    before = book(reserve, me=shares[0], pool_0=pool, **{f"u{n}": s for n, s in enumerate(shares[1:])})
    wanted = ask(units, priority=priority)
    answer = decide(before, wanted, Moment(day_left=day_left))
    if isinstance(answer, Refusal):
        if priority >= Priority.HIGH:
            assert before.left(with_reserve=priority == Priority.CRITICAL) < units
        return
    now = after(before, wanted, answer)
    assert all(now.balance(account).available >= 0 for account in now.accounts)
    assert now.left(with_reserve=True) == before.left(with_reserve=True) - units
    if priority != Priority.CRITICAL:
        assert now.balance(RESERVE).lent == 0


def bucket(limit: int = 10_000, **other) -> Bucket:
    figures = {"reserve": 1000, "alert": 8000, "system": 2000, "shares": "users", "unreachable": "refuse", **other}
    return Bucket(name="default", title="Default", limit=limit, **figures)


def test_a_day_is_divided_into_the_reserve_system_work_shares_and_a_pool():
    opening = divide(bucket(), {"a": 1, "b": 1}, users_max=50)
    assert opening.of(RESERVE) == 1000
    assert sum(opening.of(part) for part in SYSTEMS) == 2000
    assert opening.of(account_of("a")) == opening.of(account_of("b")) == 140
    assert sum(opening.of(pool) for pool in POOLS) == 7000 - 280


def test_a_share_does_not_depend_on_who_else_came_but_on_its_weight():
    assert divide(bucket(), {"a": 1}, 50).of("user:a") == 140
    heavy = divide(bucket(), {"a": 3, "b": 1}, 48)
    assert heavy.of("user:a") == 3 * heavy.of("user:b") == 420


@pytest.mark.parametrize("weight", [-1, 0, float("nan"), float("inf"), 1e9, "much", None, True])
def test_an_absurd_weight_counts_as_one(weight):
    assert divide(bucket(), {"a": weight}, 50).of("user:a") == 140


def test_ten_thousand_users_share_one_pool():
    opening = divide(bucket(), {}, users_max=10_000)
    assert sum(opening.of(pool) for pool in POOLS) == 7000
    assert max(opening.of(pool) for pool in POOLS) - min(opening.of(pool) for pool in POOLS) <= 1


@given(
    limit=st.integers(1, 10_000),
    parts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    weights=st.dictionaries(st.text(min_size=1, max_size=5), st.floats(allow_nan=True), max_size=20),
    users_max=st.integers(1, 60),
)
def test_a_division_always_sums_to_the_limit(limit, parts, weights, users_max):
    reserve = int(limit * parts[0])
    one = bucket(limit, reserve=reserve, system=int((limit - reserve) * parts[1]))
    opening = divide(one, weights, users_max)
    assert sum(opening.accounts.values()) == limit
    assert all(units > 0 for units in opening.accounts.values())


@given(name=st.text(min_size=1).filter(lambda text: text != "system"))
def test_a_user_may_be_called_anything_and_is_never_taken_for_another_account(name):
    account = account_of(name)
    assert account not in {RESERVE, *SYSTEMS, *POOLS}
    assert "/" not in account
    assert name_of(account) == name


def test_nobody_has_no_account():
    with pytest.raises(InvalidRequest):
        account_of("")
