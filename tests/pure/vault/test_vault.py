from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import CorruptData
from shared.vault.secret import Secret
from shared.vault.vault import KEY_TTL, Vault

RECORD, FIELD, TOKEN = "grants/UC1", "refresh_token", Secret("token")


@dataclass
class Keys:
    """A keyring in memory: version -> key."""

    versions: dict[int, bytes] = field(default_factory=lambda: {1: b"\1" * 32})
    asked: int = 0

    def newest(self):
        self.asked += 1
        number = max(self.versions)
        return number, self.versions[number]

    def version(self, number):
        self.asked += 1
        return self.versions[number]


@dataclass
class Time:
    now: datetime = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def vault(keys, time):
    return Vault(keys, time)


@given(secret=st.text(max_size=4096).map(Secret), record=st.text(), field=st.text())
def test_what_is_sealed_opens_for_the_same_record_and_field(secret, record, field):
    vault = Vault(Keys(), Time())
    assert vault.open(vault.seal(secret, record=record, field=field), record=record, field=field) == secret


@given(plain=st.text(min_size=8, max_size=200))
def test_nothing_of_the_plain_text_is_in_the_sealed_value(plain):
    sealed = Vault(Keys(), Time()).seal(Secret(plain), record=RECORD, field=FIELD)
    assert plain.encode() not in sealed["n"] + sealed["c"]


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("record", "field"), [("grants/UC2", FIELD), (RECORD, "access_token"), ("grants/UC1x", FIELD), ("", "")]
)
def test_a_ciphertext_moved_elsewhere_does_not_open(vault, record, field):
    sealed = vault.seal(TOKEN, record=RECORD, field=FIELD)
    with pytest.raises(CorruptData):
        vault.open(sealed, record=record, field=field)


@pytest.mark.fault(16)
@given(
    st.tuples(st.text(max_size=20), st.text(max_size=20)),
    st.tuples(st.text(max_size=20), st.text(max_size=20)),
)
def test_no_two_places_share_a_binding(one, other):
    vault = Vault(Keys(), Time())
    sealed = vault.seal(TOKEN, record=one[0], field=one[1])
    if one != other:
        with pytest.raises(CorruptData):
            vault.open(sealed, record=other[0], field=other[1])


@given(position=st.integers(0, 20), bit=st.integers(0, 7))
def test_a_changed_bit_does_not_open(position, bit):
    vault = Vault(Keys(), Time())
    sealed = vault.seal(TOKEN, record=RECORD, field=FIELD)
    spoilt = bytearray(sealed["c"])
    spoilt[position] ^= 1 << bit
    with pytest.raises(CorruptData):
        vault.open({**sealed, "c": bytes(spoilt)}, record=RECORD, field=FIELD)


def test_a_version_claimed_falsely_does_not_open(vault, keys):
    keys.versions[2] = keys.versions[1]  # even under the same key
    sealed = vault.seal(TOKEN, record=RECORD, field=FIELD)
    with pytest.raises(CorruptData):
        vault.open({**sealed, "v": 2 if sealed["v"] == 1 else 1}, record=RECORD, field=FIELD)


@pytest.mark.parametrize(
    "sealed", [None, {}, {"v": 1}, {"v": "1", "n": b"", "c": b""}, {"v": 1, "n": b"x", "c": b""}]
)
def test_what_was_never_sealed_is_corrupt_data(vault, sealed):
    with pytest.raises(CorruptData):
        vault.open(sealed, record=RECORD, field=FIELD)


def test_a_key_is_asked_for_once_in_a_few_minutes_and_not_kept_for_ever(vault, keys, time):
    for _ in range(50):
        vault.open(vault.seal(TOKEN, record=RECORD, field=FIELD), record=RECORD, field=FIELD)
    assert keys.asked == 1
    time.now += KEY_TTL + timedelta(seconds=1)
    vault.seal(TOKEN, record=RECORD, field=FIELD)
    assert keys.asked == 2


@pytest.mark.fault(17)
def test_both_key_versions_open_while_the_newest_seals(vault, keys, time):
    old = vault.seal(TOKEN, record=RECORD, field=FIELD)
    keys.versions[2] = b"\2" * 32
    time.now += KEY_TTL + timedelta(seconds=1)
    new = vault.seal(TOKEN, record=RECORD, field=FIELD)
    assert (old["v"], new["v"]) == (1, 2)
    assert vault.open(old, record=RECORD, field=FIELD) == vault.open(new, record=RECORD, field=FIELD)


def test_no_two_seals_share_a_nonce(vault):
    nonces = {vault.seal(TOKEN, record=RECORD, field=FIELD)["n"] for _ in range(1000)}
    assert len(nonces) == 1000
