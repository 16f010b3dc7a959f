"""Set-up: one command for whatever is missing, and environments that follow their locks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra import setup
from infra.deployment import ROOT


@pytest.mark.parametrize(
    ("debian", "user", "says"),
    [
        (True, 1000, "installs all of it: sudo sh infra/debian.sh"),
        (True, 0, "installs all of it: sh infra/debian.sh"),
        (False, 1000, "infra/debian.sh says what to install"),
    ],
)
def test_on_debian_one_command_installs_all_that_is_missing(tmp_path, monkeypatch, debian, user, says):
    marker = tmp_path / "debian_version"
    if debian:
        marker.touch()
    monkeypatch.setattr(setup, "DEBIAN", marker)
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert says in setup._remedy()


@pytest.mark.parametrize("user", ["cloudbuild.yaml", ".devcontainer/Dockerfile"])
def test_the_build_and_the_container_install_what_people_are_told_to(user):
    assert "infra/debian.sh" in (ROOT / user).read_text()


def test_an_environment_belongs_to_its_lock_and_its_python(tmp_path: Path):
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n")
    first = setup._stamp(lock, "3.11")
    assert setup._stamp(lock, "3.12") != first
    lock.write_text("a==2\n")
    assert setup._stamp(lock, "3.11") != first


def test_the_tool_that_installs_everything_is_one_of_the_locked_packages():
    assert len(re.findall(r"^uv==\S+", (setup.REQUIREMENTS / "dev.txt").read_text(), flags=re.MULTILINE)) == 1
