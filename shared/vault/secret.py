"""A secret that cannot be printed by accident."""

from __future__ import annotations

import hmac

PLACEHOLDER = "<secret>"


class Secret:
    """Text that leaves only through `reveal()`; its repr, str and format are a placeholder.

    Also refuses to be pickled or hashed, so that it ends neither in a queue nor in a cache key.
    """

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one line that sends it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Constant time; equal to another Secret only."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __repr__(self) -> str:
        return PLACEHOLDER

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return PLACEHOLDER

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not serialised; seal it")
