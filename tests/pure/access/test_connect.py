"""Who may connect what: the decision, without any storage."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared import channels
from shared.access.connect import Applicant, Known, _granted, check
from shared.access.features import ANALYTICS, MANAGE, READ, REVENUE, UPLOAD
from shared.errors import YtempireError
from shared.settings import Settings
from shared.tokens.grants import Grant
from shared.tokens.health import CONNECTED, DISCONNECTING, REAUTH_REQUIRED, TROUBLED, Tokens
from shared.vault.secret import Secret
from shared.youtube.data import Channel
from shared.youtube.items import item_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS = Settings(
    project="test",
    app_url="https://app.example",
    api_url="https://app.example",
    id_token_issuer="https://app.example",
    id_token_audience="ytempire",
    id_token_keys_url="https://app.example/keys",
    users_max=2,
    channels_per_user=2,
)
LEARNT = item_of(Channel, {"id": "UC1", "snippet": {"title": "Tide & Time"}})
TOKENS = Tokens(
    access_token=Secret("ya29"),
    expires_at=NOW,
    refresh_token=Secret("1//0"),
    scopes=frozenset({READ, ANALYTICS}),
    refresh_expires_at=None,
    google_account="1",
)
NO_REFRESH_TOKEN = replace(TOKENS, refresh_token=None)
GRANT = Grant(
    channel_id="UC1",
    user_id="u1",
    google_account="1",
    access_token={},
    refresh_token={},
    number=1,
    access_expires_at=NOW,
    refresh_issued_at=NOW,
    refresh_expires_at=None,
    refreshed_at=NOW,
    granted_scopes=frozenset({READ, REVENUE}),
    requested_scopes=frozenset({READ, REVENUE}),
    state_since=NOW,
    next_look=NOW,
    generation=1,
    lease=None,
    warnings={},
)
MINE = channels.Channel(
    channel_id="UC1", user_id="u1", title="Tide", state=CONNECTED, state_since=NOW, connected_at=NOW
)


def known(*, mine=(), users=("u1",), channel=None, grant=None):
    return Known(frozenset(mine), frozenset(users), channel, grant)


def reason(tokens=TOKENS, *, expect=None, **stored):
    try:
        check(Applicant("u1", tokens, 1, frozenset(), expect), LEARNT, known(**stored), SETTINGS)
    except YtempireError as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ({}, None),
        ({"expect": "UC1"}, None),
        ({"expect": "UC2"}, "otherChannel"),
        ({"channel": MINE}, None),
        ({"channel": replace(MINE, user_id="u2")}, "channelTaken"),
        ({"channel": replace(MINE, state=DISCONNECTING)}, "disconnecting"),
        ({"users": ["u2"]}, None),
        ({"users": ["u2", "u3"]}, "userLimit"),
        ({"users": ["u1", "u2"]}, None),
        ({"mine": ["UC2"]}, None),
        ({"mine": ["UC2", "UC3"]}, "channelLimit"),
        ({"mine": ["UC1", "UC2"], "channel": MINE}, None),
    ],
)
def test_a_channel_is_connected_unless_something_speaks_against_it(stored, why):
    assert reason(**stored) == why


@pytest.mark.parametrize(
    ("grant", "serves"),
    [
        (None, False),
        (GRANT, True),
        (replace(GRANT, google_account="2"), False),
        (replace(GRANT, google_account=None), False),
        (replace(GRANT, state=TROUBLED), True),
        (replace(GRANT, state=REAUTH_REQUIRED), False),
    ],
    ids=["none", "itsOwn", "anotherAccount", "unknownAccount", "troubled", "dead"],
)
def test_where_google_sends_no_refresh_token_the_stored_one_serves_if_it_lives_and_is_of_the_same_account(
    grant, serves
):
    stored = {"channel": MINE, "grant": grant}
    assert reason(NO_REFRESH_TOKEN, **stored) == (None if serves else "noRefreshToken")
    assert reason(TOKENS, **stored) is None


@pytest.mark.parametrize(
    ("tokens", "grant", "granted"),
    [
        (TOKENS, None, {READ, ANALYTICS}),
        (TOKENS, GRANT, {READ, ANALYTICS}),
        (replace(TOKENS, scopes=None), None, {READ, MANAGE, UPLOAD}),  # what was asked (RFC 6749, 5.1)
        (NO_REFRESH_TOKEN, GRANT, {READ}),  # no more than the stored token may do, and no more than was given now
        (replace(NO_REFRESH_TOKEN, scopes=None), GRANT, {READ}),
    ],
)
def test_what_counts_as_granted_is_what_the_lasting_token_can_do(tokens, grant, granted):
    applicant = Applicant("u1", tokens, 1, frozenset({READ, MANAGE, UPLOAD}), None)
    assert _granted(applicant, grant) == granted
