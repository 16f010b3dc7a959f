"""What makes a test pure is held to: it starts no process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system"})
_at_work = False


def _refuse(event: str, _arguments: object) -> None:
    if _at_work and event in _STARTS:
        raise AssertionError("a pure test starts no process; a test that must stands in another layer")


sys.addaudithook(_refuse)  # cannot be taken back, so it looks whether a pure test is at work


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Around every pure test, with its fixtures; pytest calls this for tests of the other layers too."""
    global _at_work  # noqa: PLW0603 - an audit hook has no other way to know
    _at_work = Path(__file__).parent in item.path.parents
    try:
        return (yield)
    finally:
        _at_work = False
