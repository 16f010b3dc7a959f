"""Terraform itself, offline. Where its environment is not there, every test here says so and is left out."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from infra.judges.terraform import Place, missing


@pytest.fixture(scope="package")
def copied(tmp_path_factory) -> Place:
    """An initialised copy of the configuration, which nobody changes."""
    if missing():
        pytest.skip(missing())
    return Place.copied(tmp_path_factory.mktemp("infra"))


@pytest.fixture
def spoilt(copied, tmp_path) -> Callable[..., Place]:
    """Makes a copy in which pieces of text are others, as somebody's mistakes would be: (file, old, new)."""

    def spoil(*mistakes: tuple[str, str, str]) -> Place:
        shutil.copytree(copied.folder.parent, tmp_path / "infra")
        for file, old, new in mistakes:
            path = tmp_path / "infra" / "terraform" / file
            text = path.read_text()
            assert old in text, f"{file} has no {old!r}"
            path.write_text(text.replace(old, new, 1))
        return Place(tmp_path / "infra" / "terraform")

    return spoil


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mistakes", action="store_true", help="list the planted mistakes that were found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With --mistakes: every planted mistake that was found, in the words it was told in."""
    if not terminalreporter.config.getoption("mistakes", default=False):
        return
    told = {
        value
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == "mistake"
    }
    terminalreporter.section(f"{len(told)} planted mistakes, each found before any deployment")
    for line in sorted(told):
        terminalreporter.write_line(line)
