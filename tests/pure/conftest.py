"""A pure test computes: it starts no process, so it can neither install anything nor leave anything running."""

from __future__ import annotations

import os
import subprocess

import pytest


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **_: object) -> None:
        raise AssertionError(f"a pure test starts no process: {given[-1:]}")

    for owner, name in ((subprocess.Popen, "__init__"), (os, "fork"), (os, "posix_spawn")):
        monkeypatch.setattr(owner, name, refuse)
