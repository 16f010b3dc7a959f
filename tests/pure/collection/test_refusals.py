"""What an error means for reading, by the policy table: every action has somebody who carries it out."""

from __future__ import annotations

import ast
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import publishing
from shared.collection.refusals import PAUSE, READING, Then, read_decision, refusal
from shared.errors import (
    CorruptData,
    Misconfigured,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Unavailable,
)
from shared.publishing.retries import WAITS
from shared.tokens.health import _BY_WORD, Outcome
from shared.youtube import client
from shared.youtube.faults import Fault, as_error
from shared.youtube.policy import Action, Kind, policy

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
RULES = policy().rules

NOT_HERE = {
    Action.LOOK_AGAIN: "only a published video is processed",
    Action.DEFER_CHANNEL: "only uploads have a limit for each channel",
    Action.RESTART_UPLOAD: "only uploads have sessions",
}


def decided(reason: str, tries: int = 0):
    error = as_error(Fault(rule=RULES[reason], status=400), clock=lambda: NOW)
    return read_decision(error, tries=tries, clock=lambda: NOW, rng=random.Random(1))


# Who carries out each action, in each path

NOT_IN_PUBLISHING = {
    Action.RECORD_NOT_MONETIZED: "nothing that is published asks for revenue",
    Action.CHECK_GRANT: "work is accepted only for a connection that may publish, so `decide` makes FAIL of it",
    Action.FIX_REQUEST: "the operation fails with the words; nothing beyond it is marked",
    Action.FAIL: "likewise",
    Action.RESTART_LISTING: "the client's",
    Action.TELL_OPERATOR: "the client's",
    Action.RESTART_UPLOAD: "the transfer's: it handles the reason itself",
}
TOKENS = {
    Action.RETRY: {Outcome.UNAVAILABLE},
    Action.REAUTHENTICATE: {Outcome.GRANT_DEAD, Outcome.REFUSED},
    Action.TELL_OPERATOR: {Outcome.CLIENT_WRONG},
}
"""What tokens do about what the policy says of the words that both know."""


def named_in(folder: Path) -> set[Action]:
    """The actions that modules name in code."""
    trees = [ast.parse(path.read_text()) for path in folder.glob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {Action[node.attr] for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "Action"}


def test_reading_carries_out_every_action_or_says_why_it_does_not_meet_it():
    assert READING.keys() | NOT_HERE.keys() == set(Action)
    assert not READING.keys() & NOT_HERE.keys()


def test_publishing_carries_out_every_action_or_it_is_said_why_not():
    (folder,) = map(Path, publishing.__path__)
    carried = (WAITS | named_in(folder)) - {Action.CHECK_GRANT, Action.FAIL}
    assert carried | NOT_IN_PUBLISHING.keys() == set(Action)


def test_the_client_carries_out_what_is_nobody_elses():
    assert named_in(Path(client.__file__).parent) >= {
        Action.REFRESH_TOKEN, Action.RESTART_LISTING, Action.TELL_OPERATOR
    }  # fmt: skip


@pytest.mark.parametrize("word", sorted(word for word in _BY_WORD if policy().named(word) in RULES.values()))
def test_tokens_do_what_the_policy_says_of_googles_words(word):
    rule = policy().named(word)
    assert rule is not None
    if rule.kind is Kind.INPUT or word == "invalid_scope":
        assert _BY_WORD[word] is Outcome.CLIENT_WRONG  # our own request: no owner can mend it
    else:
        assert _BY_WORD[word] in TOKENS[rule.action]


# What follows for each reason

WHAT_FOLLOWS = {
    Kind.QUOTA: {Then.STOP},
    Kind.RATE: {Then.STOP},
    Kind.CREDENTIALS: {Then.NEXT_RUN},
    Kind.GRANT: {Then.RECONNECT, Then.ASK_AGAIN},
    Kind.STANDING: {Then.RECONNECT},
    Kind.FORBIDDEN: {Then.PAUSE, Then.NEXT_RUN},
    Kind.INPUT: {Then.NEXT_RUN},
    Kind.MISSING: {Then.NEXT_RUN},
    Kind.CONFLICT: {Then.NEXT_RUN},
    Kind.SERVER: {Then.ASK_AGAIN, Then.NEXT_RUN},
    Kind.NETWORK: {Then.ASK_AGAIN},
    Kind.OPERATOR: {Then.STOP},
    Kind.CHANNEL_LIMIT: {Then.NEXT_RUN},
}


@pytest.mark.parametrize("reason", sorted(RULES))
def test_what_follows_from_a_reason_is_what_its_kind_asks_for(reason):
    rule = RULES[reason]
    then = decided(reason).then
    assert then in WHAT_FOLLOWS[rule.kind]
    # Nobody has to connect again, and nobody is left alone, because of trouble that is not his connection's.
    if then in {Then.RECONNECT, Then.PAUSE}:
        assert rule.kind in {Kind.GRANT, Kind.STANDING, Kind.FORBIDDEN}


@pytest.mark.parametrize("reason", ["backendError", "timeout", "authRefused", "rateLimitExceeded"])
def test_trouble_that_may_pass_is_asked_again_later_each_time_and_ends(reason):
    waits = []
    for tries in range(100):
        decision = decided(reason, tries)
        if decision.at is None:
            break
        waits.append(decision.at - NOW)
    assert 3 <= len(waits) <= 20
    assert all(timedelta(0) <= wait <= timedelta(hours=12) for wait in waits)
    assert decision.then is (Then.RECONNECT if reason == "authRefused" else Then.NEXT_RUN)


OURS = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("error", "then", "waits"),
    [
        (RateLimited("too fast", retry_at=NOW + OURS), Then.STOP, True),
        (QuotaRefused("spent", retry_at=NOW + OURS), Then.STOP, False),
        (Misconfigured("client", reason="oauthClient", detail=Outcome.CLIENT_WRONG), Then.STOP, False),
        (Unavailable("ledger", reason="ledgerUnavailable", retry_at=NOW + OURS), Then.STOP, True),
        (Unavailable("vault", reason="secretsUnavailable"), Then.STOP, True),
        (Unavailable("pause", retry_at=NOW + OURS, detail=Outcome.UNAVAILABLE), Then.ASK_AGAIN, True),
        (ReauthRequired("lost"), Then.NEXT_RUN, False),
        (NotFound("gone", reason="notConnected"), Then.NEXT_RUN, False),
        (CorruptData("a month that cannot be read"), Then.NEXT_RUN, False),
    ],
)
def test_what_is_not_youtubes_is_everybodys_or_the_channels_own(error, then, waits):
    decision = read_decision(error, tries=0, clock=lambda: NOW, rng=random.Random(1))
    assert (decision.then, decision.at is not None) == (then, waits)
    assert decision.at is None or error.retry_at is None or decision.at >= error.retry_at
    assert refusal(error, then, NOW) is None


def test_a_refusal_says_until_when_it_holds():
    error = as_error(Fault(rule=RULES["forbidden"], status=403), clock=lambda: NOW)
    paused, for_good = refusal(error, Then.PAUSE, NOW), refusal(error, Then.RECONNECT, NOW)
    assert paused is not None
    assert for_good is not None
    assert (paused.reason, paused.until, for_good.until) == ("forbidden", NOW + PAUSE, None)
