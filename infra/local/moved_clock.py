"""The stack's one clock: real time plus an offset that can be moved.

All Python processes of the stack are started with `moved_clock.c` preloaded, which adds to the time of day what a
file says. So production code reads the system clock and nothing in it knows that time was moved; timeouts stay
real, because the monotonic clock is left alone. Of the Java emulators Firestore follows, Pub/Sub keeps real time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.deployment import ROOT
from infra.local.emulators import Missing

SOURCE = Path(__file__).with_suffix(".c")
BUILT = ROOT / ".local" / "lib"


def library() -> Path:
    """The preloaded library, built on first use and whenever its source changes.

    Raises Missing without a C compiler.
    """
    name = f"moved_clock-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    built = BUILT / name
    if built.is_file():
        return built
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Missing(
            "A C compiler is missing; the stack's clock needs one. Debian: apt-get install gcc libc6-dev"
        )
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        fresh = Path(folder) / name
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(fresh), str(SOURCE), "-ldl", "-pthread"]
        compiled = subprocess.run(command, capture_output=True, text=True, check=False)
        if compiled.returncode != 0:
            raise Missing(f"The stack's clock does not compile ({' '.join(command)}):\n{compiled.stderr}")
        fresh.replace(built)
    return built


class MovedClock:
    """A clock file: seconds ahead of real time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self.set_offset(0)

    @property
    def offset(self) -> float:
        """Seconds that the stack's clock is ahead of real time."""
        return float(self.path.read_text())

    def set_offset(self, seconds: float) -> None:
        """Set the clock to real time plus `seconds`, at once for every process that reads it."""
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".clock-")
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{seconds:+.6f}\n")
        Path(name).replace(self.path)  # a reader sees the old offset or the new one, never half a line

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward; answers the new present. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError(
                "the stack's clock only moves forward: leases and tasks would not survive a step back"
            )
        self.set_offset(self.offset + seconds)
        return self.now()

    def now(self) -> datetime:
        """The stack's present, for processes that live in real time."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to live by this clock."""
        return {"LD_PRELOAD": str(library()), "MOVED_CLOCK_FILE": str(self.path.resolve())}
