"""How tokens live and die."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.simulator.errors import GoogleError
from infra.local.simulator.grants import Client, Grant, Grants, Issue
from infra.local.simulator.journal import Journal
from infra.local.simulator.world import Account

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHERE = "https://app.example.test/callback"
CLIENT = Client(client_id="c", client_secret="s", redirect_uris=(WHERE,))
OTHER = Client(client_id="d", client_secret="t", redirect_uris=(WHERE,))
ANNA = Account(id="1", email="anna@example.test", name="Anna", channels=[])
BEN = Account(id="2", email="ben@example.test", name="Ben", channels=[])


class Hall:
    """Grants, and a clock that a test moves."""

    def __init__(self, *, testing_mode: bool = False) -> None:
        self.now = NOW
        self.grants = Grants(
            clock=lambda: self.now,
            random=random.Random(1),
            journal=Journal(),
            clients=(CLIENT, OTHER),
            testing_mode=testing_mode,
        )

    def code(
        self,
        account: Account = ANNA,
        channel: str = "UC1",
        *scopes: str,
        client: Client = CLIENT,
        challenge: str | None = None,
    ) -> str:
        grant = Grant(
            client_id=client.client_id,
            account=account,
            channel_id=channel,
            scopes=frozenset(scopes or ("a", "b")),
        )
        return self.grants.issue_code(
            grant, redirect_uri=WHERE, challenge=challenge, plain=False, offline=True, nonce=None, lifetime=None
        )

    def exchange(self, code: str, client: Client = CLIENT, verifier: str | None = None) -> Issue:
        return self.grants.exchange(code, client=client, redirect_uri=WHERE, verifier=verifier)

    def connect(
        self, account: Account = ANNA, channel: str = "UC1", *scopes: str, client: Client = CLIENT
    ) -> Issue:
        return self.exchange(self.code(account, channel, *scopes, client=client), client)

    def refreshes(self, issue: Issue, client: Client = CLIENT) -> bool:
        assert issue.refresh_token is not None
        token = issue.refresh_token
        return self.refusal(lambda: self.grants.refresh(token, client=client)) is None

    def works(self, issue: Issue) -> bool:
        return self.refusal(lambda: self.grants.authenticate(issue.access_token)) is None

    @staticmethod
    def refusal(attempt: Callable[[], object]) -> str | None:
        """The reason with which an attempt is refused."""
        try:
            attempt()
        except GoogleError as error:
            return error.reason
        return None


def test_an_access_token_lives_an_hour():
    hall = Hall()
    issue = hall.connect()
    hall.now += timedelta(minutes=59)
    assert hall.works(issue)
    hall.now += timedelta(minutes=1)
    assert not hall.works(issue)
    assert hall.refreshes(issue)


def test_a_refresh_token_dies_unused_for_half_a_year_and_lives_in_use():
    hall = Hall()
    used, idle = hall.connect(), hall.connect()
    for _ in range(4):
        hall.now += timedelta(days=60)
        assert hall.refreshes(used)
    assert not hall.refreshes(idle)


def test_in_testing_mode_a_refresh_token_lives_seven_days():
    hall = Hall(testing_mode=True)
    issue = hall.connect()
    assert issue.refresh_expires_in == 7 * 86400
    hall.now += timedelta(days=7, seconds=-1)
    assert hall.refreshes(issue)
    hall.now += timedelta(seconds=1)
    assert not hall.refreshes(issue)


def test_the_hundred_and_first_token_of_an_account_ends_the_oldest():
    hall = Hall()
    somebody_else = hall.connect(BEN)
    issues = [hall.connect(channel=f"UC{number}") for number in range(101)]
    assert not hall.refreshes(issues[0])
    assert hall.refreshes(issues[1])
    assert hall.refreshes(somebody_else)


def test_revoking_one_channel_ends_all_that_the_account_allowed_the_project():
    hall = Hall()
    one, two, ben = hall.connect(channel="UC1"), hall.connect(channel="UC2"), hall.connect(BEN)
    other, code = hall.connect(client=OTHER), hall.code()
    assert one.refresh_token is not None
    hall.grants.revoke(one.refresh_token)
    assert not hall.works(two)
    assert not hall.refreshes(two)
    assert hall.works(ben)
    assert not hall.refreshes(other, OTHER)
    assert hall.refusal(lambda: hall.exchange(code)) == "invalid_grant"


def test_an_access_token_revokes_as_well_and_a_dead_one_is_invalid():
    hall = Hall()
    issue = hall.connect()
    hall.grants.revoke(issue.access_token)
    assert not hall.refreshes(issue)
    with pytest.raises(GoogleError, match="invalid_token"):
        hall.grants.revoke(issue.access_token)


def test_a_refresh_token_in_another_clients_hands_says_nothing_of_the_grant():
    hall = Hall()
    issue = hall.connect()
    token = issue.refresh_token
    assert token is not None
    assert hall.refusal(lambda: hall.grants.refresh(token, client=OTHER)) == "unauthorized_client"
    assert hall.refreshes(issue)


CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.parametrize(
    ("challenge", "verifier", "words"),
    [
        (CHALLENGE, None, "Missing code verifier"),
        (CHALLENGE, CHALLENGE, "Invalid code verifier"),
        (None, VERIFIER, "verifier is not needed"),
    ],
)
def test_a_verifier_that_is_wrong_missing_or_uncalled_for_is_refused(
    challenge: str | None, verifier: str | None, words: str
):
    hall = Hall()
    with pytest.raises(GoogleError, match=f"invalid_grant: .*{words}"):
        hall.exchange(hall.code(challenge=challenge), verifier=verifier)


def test_the_right_verifier_buys_the_tokens():
    hall = Hall()
    assert hall.works(hall.exchange(hall.code(challenge=CHALLENGE), verifier=VERIFIER))


def test_scopes_can_be_narrowed_on_refresh_and_not_widened():
    hall = Hall()
    issue = hall.connect(ANNA, "UC1", "a", "b")
    assert issue.refresh_token is not None
    narrow = hall.grants.refresh(issue.refresh_token, client=CLIENT, scopes=frozenset({"a"}))
    assert hall.grants.authenticate(narrow.access_token).scopes == {"a"}
    with pytest.raises(GoogleError, match="invalid_scope"):
        hall.grants.refresh(issue.refresh_token, client=CLIENT, scopes=frozenset({"c"}))


def test_what_was_granted_is_known_until_it_is_taken_back():
    hall = Hall()
    hall.connect(ANNA, "UC1", "a")
    issue = hall.connect(ANNA, "UC1", "b")
    assert hall.grants.granted("1", "UC1", "c") == {"a", "b"}
    assert hall.grants.granted("1", "UC2", "c") == frozenset()
    hall.grants.revoke(issue.access_token)
    assert hall.grants.granted("1", "UC1", "c") == frozenset()


def test_what_is_long_dead_is_forgotten_and_what_lives_is_not():
    hall = Hall()
    issue = hall.connect()
    hall.now += timedelta(hours=3)
    fresh = hall.connect()
    hall.grants.forget_ended()
    assert not hall.works(issue)
    assert hall.works(fresh)
    assert hall.refreshes(issue)


def test_no_secret_is_in_a_repr():
    hall = Hall()
    issue = hall.connect()
    assert issue.access_token not in repr(issue)
    assert str(issue.refresh_token) not in repr(issue)
    assert "client_secret" not in repr(CLIENT)
