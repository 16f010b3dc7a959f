"""What makes a test pure is held to: it starts no process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system"})
_at_work = False


def _refuse(event: str, _arguments: object) -> None:
    if _at_work and event in _STARTS:
        raise AssertionError("a pure test starts no process; a test that must stands in another layer")


sys.addaudithook(_refuse)  # cannot be taken back, so it looks whether a pure test is at work


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Around every pure test, with its fixtures; in a run of several layers the hook hears of all tests."""
    global _at_work  # noqa: PLW0603 - an audit hook has no other way to know
    _at_work = item.path.is_relative_to(HERE)
    try:
        return (yield)
    finally:
        _at_work = False
