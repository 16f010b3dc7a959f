"""The clock that can be moved, and the keys that sign."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from infra.local.identity import IdentityKey
from infra.local.simulator.timepiece import ClockStuck, Timepiece

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_clock_alone_keeps_an_offset():
    piece = Timepiece(base=lambda: NOW)
    piece.advance(3600)
    assert piece.now() == NOW + timedelta(hours=1)
    piece.set(NOW - timedelta(days=1))
    assert piece.now() == NOW - timedelta(days=1)


def test_a_clock_with_a_file_moves_the_file_for_everybody(tmp_path: Path):
    file = tmp_path / "clock"
    file.write_text("+100\n")

    def faked() -> datetime:
        return NOW + timedelta(seconds=float(file.read_text()))

    piece = Timepiece(file, base=faked)
    piece.set(NOW + timedelta(days=3))
    assert float(file.read_text()) == 3 * 86400
    assert file.read_text().startswith("+")
    assert piece.now() == NOW + timedelta(days=3)


def test_a_clock_that_does_not_follow_its_file_says_so(tmp_path: Path):
    piece = Timepiece(tmp_path / "clock", base=lambda: NOW)
    with pytest.raises(ClockStuck):
        piece.advance(3600)


def test_speed_is_simulated_seconds_a_second():
    piece = Timepiece(base=lambda: NOW)
    piece.speed = 1_000_000.0
    piece.step()
    threading.Event().wait(0.01)
    piece.step()
    assert piece.now() - NOW > timedelta(seconds=5000)


def verify(key: IdentityKey, token: str, audience: str) -> dict[str, object]:
    public = jwt.PyJWKSet.from_dict(key.jwks()).keys[0]
    options = {"verify_exp": False, "verify_iat": False}
    return jwt.decode(token, public, algorithms=["RS256"], audience=audience, options=options)


def test_a_token_verifies_against_the_published_key():
    key = IdentityKey.generate()
    token = key.token(email="task-queues@p.iam.gserviceaccount.com", audience="https://f", now=NOW, lifetime=60)
    claims = verify(key, token, "https://f")
    assert claims["iss"] == "https://accounts.google.com"
    assert claims["email_verified"] is True
    assert (claims["iat"], claims["exp"]) == (NOW.timestamp(), NOW.timestamp() + 60)
    assert jwt.get_unverified_header(token)["kid"] == key.jwks()["keys"][0]["kid"]
    with pytest.raises(jwt.InvalidSignatureError):
        verify(IdentityKey.generate(), token, "https://f")


def test_parts_that_start_together_share_one_key(tmp_path: Path):
    path = tmp_path / "keys" / "identity.pem"
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(IdentityKey.load_or_create(path).key_id)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert path.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in path.parent.iterdir()] == ["identity.pem"]


def test_a_key_never_shows_itself():
    key = IdentityKey.generate()
    assert "PRIVATE" not in repr(key)
