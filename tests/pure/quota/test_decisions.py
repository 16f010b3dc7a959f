"""Who may take whose units, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.quota.accounts import POOL, RESERVE, SYSTEMS, account_of, allocate, name_of
from shared.quota.decisions import Book, Grant, Lender, Loan, Moment, Refusal, ReservationRequest, decide
from shared.quota.profile import Bucket, Method, Priority

MORNING = Moment(day_left=0.9)
ME = "user:me"


def book(
    reserve: int = 0, *, me: int = 0, claim: int = 0, pool: int = 0, limit: int | None = None, **shares: int
) -> Book:
    """A day with so much in the pool that is nobody's, and idle users with these shares."""
    users = [Lender(f"user:{name}", units, units) for name, units in shares.items()]
    return Book(
        limit=limit or me + claim + pool + sum(shares.values()) + reserve,
        reserve=reserve,
        reserve_left=reserve,
        own=me,
        claim=claim,
        lenders=(Lender(POOL, pool), *users),
    )


def ask(
    units: int,
    *,
    priority: Priority = Priority.NORMAL,
    account: str = ME,
    least: int | None = None,
    cost: int = 1,
) -> ReservationRequest:
    price = Method(id="m", bucket="default", cost=cost)
    return ReservationRequest(account=account, price=price, units=units, least=least or units, priority=priority)


def granted(answer: Grant | Refusal) -> Grant:
    assert isinstance(answer, Grant)
    return answer


def test_ones_own_share_comes_first_also_what_is_not_claimed_yet():
    assert decide(book(me=10, other=10), ask(10), MORNING) == Grant(units=10)
    assert decide(book(me=4, claim=6, other=10), ask(10), MORNING) == Grant(units=10)


def test_high_priority_borrows_from_idle_users_from_as_many_as_it_takes():
    answer = granted(decide(book(me=2, a=3, b=3, c=3), ask(10, priority=Priority.HIGH), MORNING))
    assert sum(loan.units for loan in answer.loans) == 8
    assert {loan.lender for loan in answer.loans} == {"user:a", "user:b", "user:c"}


def test_who_used_least_lends_first():
    lenders = (Lender("user:a", 5, 10), Lender("user:b", 10, 10))
    day = Book(limit=20, reserve=0, reserve_left=0, own=0, lenders=lenders)
    answer = granted(decide(day, ask(5, priority=Priority.HIGH), MORNING))
    assert [loan.lender for loan in answer.loans] == ["user:b"]


def test_what_belongs_to_nobody_is_lent_before_anybodys_share():
    answer = granted(decide(book(a=10, pool=3), ask(5, priority=Priority.HIGH), MORNING))
    assert [(loan.lender, loan.units) for loan in answer.loans] == [(POOL, 3), ("user:a", 2)]


def test_the_parts_of_system_work_lend_to_each_other_at_any_time():
    day = Book(limit=8, reserve=0, reserve_left=0, own=4, lenders=(Lender(SYSTEMS[1], 4, 4),))
    assert decide(day, ask(6, account=SYSTEMS[0]), MORNING) == Grant(units=6, loans=(Loan(SYSTEMS[1], 2),))


def test_normal_work_leaves_idle_users_what_they_may_still_need_today():
    refusal = decide(book(a=10), ask(5), MORNING)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "shareSpentNobodyToBorrowFrom"
    # Half of the share is free when half of the day is left.
    assert refusal.day_left == pytest.approx(0.5)
    granted(decide(book(a=10), ask(5), Moment(day_left=refusal.day_left)))
    granted(decide(book(a=10), ask(10), Moment(day_left=0)))


@given(left=st.integers(0, 20), share=st.integers(0, 20), day_left=st.floats(0, 1), units=st.integers(1, 20))
def test_normal_work_never_takes_what_a_lender_will_need(left, share, day_left, units):
    day = Book(limit=40, reserve=0, reserve_left=0, own=0, lenders=(Lender("user:a", left, share),))
    answer = decide(day, ask(units), Moment(day_left=day_left))
    kept = min(left, share * day_left)
    assert isinstance(answer, Grant) == (units <= left - kept + 1e-6)


def test_only_critical_work_enters_the_reserve():
    for priority in (Priority.BACKGROUND, Priority.NORMAL, Priority.HIGH):
        refusal = decide(book(reserve=5, limit=10), ask(5, priority=priority), MORNING)
        assert refusal == Refusal(reason="reserveKept", used=5)
    answer = granted(decide(book(reserve=5), ask(5, priority=Priority.CRITICAL), MORNING))
    assert answer.loans == (Loan(RESERVE, 5),)


def test_the_reserve_is_the_last_that_critical_work_takes():
    answer = granted(decide(book(reserve=5, me=2, a=2), ask(5, priority=Priority.CRITICAL), MORNING))
    assert answer.loans == (Loan("user:a", 2), Loan(RESERVE, 1))


def test_refusals_tell_spent_from_kept_from_impossible():
    empty = book(reserve=3, limit=7)
    assert decide(empty, ask(4), MORNING) == Refusal(reason="bucketSpent", used=4)
    assert decide(empty, ask(3), MORNING) == Refusal(reason="reserveKept", used=4)
    assert decide(empty, ask(5), MORNING) == Refusal(reason="neverFits", used=4)


def test_background_work_borrows_only_off_peak_and_only_its_allowance():
    background = ask(4, priority=Priority.BACKGROUND)
    assert decide(book(me=4), background, MORNING) == Grant(units=4)
    idle = book(a=10, pool=10)
    assert decide(idle, background, MORNING) == Refusal(reason="offPeakOnly", used=0)
    assert decide(idle, background, Moment(day_left=0.9, allowance=3)) == Refusal(reason="allowanceSpent", used=0)
    answer = granted(decide(idle, background, Moment(day_left=0.9, allowance=4)))
    assert sum(loan.units for loan in answer.loans) == 4


def test_background_work_of_the_system_has_all_of_its_parts_at_any_time_and_takes_them_first():
    lenders = (Lender(POOL, 10), Lender(SYSTEMS[1], 4, 4))
    day = Book(limit=18, reserve=0, reserve_left=0, own=4, lenders=lenders)
    answer = granted(decide(day, ask(8, account=SYSTEMS[0], priority=Priority.BACKGROUND), MORNING))
    assert answer.loans == (Loan(SYSTEMS[1], 4),)
    more = ask(10, account=SYSTEMS[0], priority=Priority.BACKGROUND)
    assert decide(day, more, MORNING) == Refusal(reason="offPeakOnly", used=0)
    assert decide(day, more, Moment(day_left=0.9, allowance=1)) == Refusal(reason="allowanceSpent", used=0)
    answer = granted(decide(day, more, Moment(day_left=0.9, allowance=2)))
    assert answer.loans == (Loan(SYSTEMS[1], 4), Loan(POOL, 2))


def test_a_block_takes_what_there_is_in_whole_calls():
    assert decide(book(me=11), ask(20, least=5, cost=5), MORNING) == Grant(units=10)


@given(
    own=st.integers(0, 20),
    claim=st.integers(0, 5),
    shares=st.lists(st.integers(0, 20), max_size=6),
    pool=st.integers(0, 30),
    reserve=st.integers(0, 9),
    units=st.integers(1, 60),
    priority=st.sampled_from(Priority),
    day_left=st.floats(0, 1),
    allowance=st.none() | st.integers(0, 30),
)
def test_a_grant_takes_from_nobody_more_than_there_is_and_pays_for_itself(  # noqa: PLR0917
    own, claim, shares, pool, reserve, units, priority, day_left, allowance
):
    day = book(reserve, me=own, claim=claim, pool=pool, **{f"u{n}": s for n, s in enumerate(shares)})
    answer = decide(day, ask(units, priority=priority), Moment(day_left=day_left, allowance=allowance))
    critical = priority == Priority.CRITICAL
    if isinstance(answer, Refusal):
        if priority >= Priority.HIGH:
            assert day.left + reserve * critical < units
        return
    lent = {loan.lender: loan.units for loan in answer.loans}
    there = {lender.account: lender.left for lender in day.lenders} | {RESERVE: reserve * critical}
    assert all(0 < given <= there[lender] for lender, given in lent.items())
    assert len(lent) == len(answer.loans)
    assert own + claim + sum(lent.values()) >= answer.units == units


def bucket(limit: int = 10_000, **other) -> Bucket:
    figures = {"reserve": 1000, "alert": 8000, "system": 2000, "shares": "users", "unreachable": "refuse", **other}
    return Bucket(name="default", title="Default", limit=limit, **figures)


def test_a_day_is_divided_into_the_reserve_system_work_and_a_pool_of_shares_and_what_is_nobodys():
    allocation = allocate(bucket(), 2, users_max=50)
    assert allocation.reserve == 1000
    assert allocation.system == 2000
    assert allocation.share_of(account_of("a")) == 140
    assert (allocation.pool, allocation.unclaimed) == (7000, 280)


def test_a_share_does_not_depend_on_who_else_came_but_on_its_weight():
    assert allocate(bucket(), 1, 50).share_of("user:a") == 140
    heavy = allocate(bucket(), 2, 48, weights=4.0)
    assert heavy.share_of("user:a", 3) == 3 * heavy.share_of("user:b") == 420
    assert heavy.unclaimed == 560


@pytest.mark.parametrize("weight", [-1, 0, float("nan"), float("inf"), 1e9, "much", None, True])
def test_an_absurd_weight_counts_as_one(weight):
    assert allocate(bucket(), 1, 50).share_of("user:a", weight) == 140


def test_ten_thousand_users_share_one_pool():
    allocation = allocate(bucket(), 10_000, users_max=10_000)
    assert (allocation.pool, allocation.share, allocation.unclaimed) == (7000, 0, 0)


@given(
    limit=st.integers(1, 10_000),
    parts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    weights=st.lists(st.floats(0.001, 1000), max_size=20),
    plain=st.integers(0, 30),
    users_max=st.integers(1, 60),
)
def test_an_allocation_always_sums_to_the_limit_and_every_user_finds_his_share(
    limit, parts, weights, plain, users_max
):
    reserve = int(limit * parts[0])
    one = bucket(limit, reserve=reserve, system=int((limit - reserve) * parts[1]))
    allocation = allocate(one, len(weights) + plain, users_max, weights=plain + sum(weights))
    assert allocation.reserve + allocation.system + allocation.pool == limit
    shares = sum(allocation.share_of("user:x", weight) for weight in [*weights, *[1] * plain])
    assert shares <= allocation.unclaimed <= allocation.pool


@given(name=st.text(min_size=1).filter(lambda text: text != "system"))
def test_a_user_may_be_called_anything_and_is_never_taken_for_another_account(name):
    account = account_of(name)
    assert account not in {RESERVE, POOL, *SYSTEMS}
    assert "/" not in account
    assert name_of(account) == name


def test_nobody_has_no_account():
    with pytest.raises(InvalidRequest):
        account_of("")
