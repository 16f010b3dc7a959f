"""Runs commands of gcloud: steps that follow each other, several such rows at once, and questions."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AT_ONCE = 4
LONGEST = 900  # seconds that one command may take: a build, its roll-out, and gcloud's own repetitions


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, and why it is run. file: a path that the command reads, and what to write there before."""

    command: tuple[str, ...]
    why: str
    file: tuple[Path, str] | None = None

    def __str__(self) -> str:
        return f"# {self.why}\n{shlex.join(self.command)}"


class Refused(Exception):
    """gcloud ended with a failure; the message is what it said."""


def said(*command: str, given: bytes = b"") -> str:
    """What gcloud prints. given: what it reads, with `--data-file=-` and the like. Raises Refused."""
    try:
        ended = subprocess.run(
            ["gcloud", *command], check=False, capture_output=True, input=given, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"gcloud {command[0]} {command[1]}: no end within {LONGEST} s") from None
    if ended.returncode:
        raise Refused(ended.stderr.decode(errors="replace").strip() or f"exit status {ended.returncode}")
    return ended.stdout.decode()


def ask(*command: str) -> Any:
    """What gcloud answers, with `--format=json` or `json(...)` among the arguments. Raises Refused."""
    return json.loads(said(*command) or "null")


def run(rows: Sequence[Sequence[Step]]) -> list[str]:
    """Run each row's steps in order, several rows at once, and print what was done; what failed, in words.

    After a failure nothing new is begun.
    """
    failed: list[str] = []
    talk = threading.Lock()

    def follow(row: Sequence[Step]) -> None:
        for step in row:
            if failed:
                return
            problem = _problem(step)
            with talk:
                print(step if problem is None else f"{step}\nFailed: {problem}", flush=True)
                if problem is not None:
                    failed.append(step.why)
                    return

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ended in [pool.submit(follow, row) for row in rows]:
            ended.result()
    return failed


def _problem(step: Step) -> str | None:
    """Run one step; what gcloud said when it failed."""
    if step.file is not None:
        path, text = step.file
        path.write_text(text)
    try:
        ended = subprocess.run(
            step.command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return f"no end within {LONGEST} s"
    return None if ended.returncode == 0 else ended.stderr.strip() or f"exit status {ended.returncode}"
