"""What the tests of one stand share: made for the first that asks, ended after the last of them.

A stand may be of several folders and layers (`stand_of` in `tests/conftest.py`), and none of pytest's scopes
is as long as that. A stack that outlives its tests takes a thirtieth of a CPU for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

T = TypeVar("T")
_made: dict[Callable[[], AbstractContextManager[Any]], Any] = {}
_ends = ExitStack()


def lasting(make: Callable[[], AbstractContextManager[T]]) -> T:
    """What `make` makes: for all tests of a stand the same."""
    if make not in _made:
        _made[make] = _ends.enter_context(make())
    found: T = _made[make]
    return found


def end() -> None:
    """End what lasts, the newest first. Raises what one of them raises at its end."""
    _made.clear()
    _ends.close()
