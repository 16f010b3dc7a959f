"""Copies of the warm process: what runs in one, and who owns it, cannot tell it from a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import parts, warm
from infra.local.process import Part, PartFailed

TELL = """
import json, os, sys
descriptors = {of: os.path.realpath(f"/proc/self/fd/{of}") for of in os.listdir("/proc/self/fd")}
print(json.dumps({
    "argv": sys.argv, "path": sys.path, "name": __name__, "folder": os.getcwd(), "env": dict(os.environ),
    "leads": os.getsid(0) == os.getpid(), "threads": len(os.listdir("/proc/self/task")),
    "descriptors": [where for where in descriptors.values() if "/proc/" not in where],
    "ours": [name for name in sys.modules if name.split(".")[0] in ("infra", "shared", "functions")],
}))
sys.exit(3)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    folder = tmp_path_factory.mktemp("warm")
    part = parts.warm(folder / "socket", folder / "log", env={"PYTHONPATH": ""})
    with part.running():
        yield part


def started(code: str, folder: Path, source: Part | None, *arguments: str) -> Part:
    script, log = folder / "script.py", folder / ("log" if source is None else "log of a copy")
    script.write_text(code)
    part = Part(
        name="script",
        command=[sys.executable, str(script), *arguments],
        log=log,
        ready=lambda: False,
        env={"PYTHONPATH": "", "FOR": "it"},
        cwd=folder,
        warm=Path(source.command[-1]) if source else None,
    )
    part.start()
    return part


def test_a_copy_is_as_a_process_of_its_own(source, tmp_path):
    told = []
    for of in (None, source):
        part = started(TELL, tmp_path, of, "--an", "argument")
        assert part.process.wait(timeout=60) == part.process.poll() == 3
        told.append(json.loads(part.last_lines(1).replace(str(part.log), "the log")))
    assert told[0] == told[1]
    assert (told[1]["threads"], told[1]["leads"], told[1]["ours"]) == (1, True, [])


def test_a_copy_has_loaded_what_it_is_warm_for(source, tmp_path):
    part = started(f"import sys; assert set({warm.PACKAGES}) <= set(sys.modules)", tmp_path, source)
    assert part.process.wait(timeout=60) == 0, part.last_lines()


def test_an_error_and_a_signal_end_a_copy_as_they_end_a_process(source, tmp_path):
    part = started("raise ValueError('no such luck')", tmp_path, source)
    assert part.process.wait(timeout=60) == 1
    assert part.last_lines(1) == "ValueError: no such luck"
    part = started("import time; time.sleep(600)", tmp_path, source)
    assert part.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        part.process.wait(timeout=0)
    part.stop()
    assert part.process.returncode == -signal.SIGTERM


def test_the_warm_process_ends_after_its_copies_and_a_copy_outlives_it_when_it_is_killed(source, tmp_path):
    late = started("import time; time.sleep(600)", tmp_path, source)
    os.kill(source.process.pid, signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        source.process.wait(timeout=0.2)
    late.stop()
    assert source.process.wait(timeout=60) == 0
    with pytest.raises(PartFailed, match="does not answer"):
        started("", tmp_path, source)

    source.start()
    source.wait_ready()
    orphan = started("import time; time.sleep(600)", tmp_path, source)
    source.process.kill()
    source.process.wait()
    assert orphan.process.poll() is None
    orphan.stop()
    assert orphan.process.returncode == -signal.SIGKILL  # nobody is left who knows better
