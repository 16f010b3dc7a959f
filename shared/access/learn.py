"""Whose channel is it? Asked of YouTube with a token that is a second old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.access.connect import Learnt
from shared.access.google_oauth import Tokens
from shared.errors import ReauthRequired
from shared.vault.secret import Secret


@dataclass(frozen=True)
class FreshToken:
    """A token source for one call; a token that was just issued and is refused cannot be renewed."""

    secret: Secret

    def access_token(self) -> str:
        """The token."""
        return self.secret.reveal()

    def renew(self, refused: str) -> str:
        """Raises ReauthRequired: Google takes back what it has just given."""
        del refused
        raise ReauthRequired("Google does not accept the token that it has just issued.", reason="codeRefused")


def learner() -> Callable[[Tokens, str], Learnt]:
    """Learns the channel by `channels.list mine` (1 unit, paid by the user's account)."""

    def learn(tokens: Tokens, user_id: str) -> Learnt:
        from shared import quota  # noqa: PLC0415 - paid when somebody has really consented
        from shared.settings import settings  # noqa: PLC0415
        from shared.youtube import data  # noqa: PLC0415
        from shared.youtube.client import Caller, Context  # noqa: PLC0415

        caller = Caller(
            settings=settings(),
            budget=quota.ledger(),
            limiter=quota.rate_limiter(),
            tokens=FreshToken(tokens.access_token),
            context=Context(account=user_id, priority=quota.Priority.HIGH),  # somebody waits for the answer
        )
        channel = data.my_channel(caller)
        return Learnt(channel.id, channel.title, channel.uploads_playlist)

    return learn
