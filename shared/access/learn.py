"""Whose channel is it? Asked of YouTube with a token that is a second old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.connect import Learnt
from shared.errors import ReauthRequired
from shared.vault.secret import Secret

if TYPE_CHECKING:
    from shared.youtube.client import Caller


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


def learn(caller: Caller) -> Learnt:
    """The channel that a grant is for, by `channels.list mine` (1 unit)."""
    from shared.youtube import data

    channel = data.my_channel(caller)
    return Learnt(channel.id, channel.title, channel.uploads_playlist)
