"""When set-up makes an environment anew."""

from __future__ import annotations

import sys
from pathlib import Path

from infra import setup


def test_an_environment_belongs_to_its_lock_and_its_python(tmp_path: Path):
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n")
    first = setup._stamp(lock)
    lock.write_text("a==2\n")
    assert setup._stamp(lock) != first
    assert f"python {sys.version_info[0]}.{sys.version_info[1]}" in first
