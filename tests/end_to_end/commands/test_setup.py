"""The commands as a person types them: what the machine lacks is named at once, a second run has nothing to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.deployment import ROOT


def run(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "infra" / "setup.py"), *arguments],
        env={"PATH": path, "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_everything_that_is_missing_is_named_in_one_message(tmp_path: Path):
    found = run("stack", path=str(tmp_path))
    assert found.returncode == 1
    for name in ("Java", "gcloud", "C compiler"):
        assert name in found.stderr
    assert "apt-get install" in found.stderr


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ('openjdk version "11.0.21" 2023-10-17', "is Java 11"),
        ('java version "1.8.0_392"', "is Java 8"),
        ("no version in it", "there is none"),
        ('openjdk version "17.0.15" 2025-04-15', None),
        ('openjdk version "21" 2023-09-19', None),
    ],
)
def test_a_java_that_is_too_old_is_named_with_what_is_needed(tmp_path: Path, says: str, told: str | None):
    launcher = tmp_path / "java"
    launcher.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    launcher.chmod(0o755)
    found = run("stack", path=str(tmp_path)).stderr
    assert ("Java 17 or newer" in found) == (told is not None)
    assert (told or "gcloud") in found


def test_an_unknown_goal_is_refused(tmp_path: Path):
    assert run("everything", path=str(tmp_path)).returncode == 2


def test_a_second_set_up_says_and_does_nothing():
    import os

    found = run("tools", "--this-python", path=os.environ["PATH"])
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "target",
    ["demo", "up", "quick", "test", "check", "faults", "bench", "stage", "lock", "documents", "clean", "help"],
)
def test_make_offers_and_explains_every_command(target):
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert any(line.split()[:2] == ["make", target] for line in shown.splitlines())
