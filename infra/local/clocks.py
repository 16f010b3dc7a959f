"""`make test-clocks`: the pure and the emulator tests, with the clock at moments that dates break at.

Each moment is ten minutes before a Pacific midnight, so that the quota day, the month or the offset from UTC
changes while tests run. Google's Java emulators keep real time. Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.deployment import ROOT
from infra.local.moved_clock import MovedClock

PACIFIC = ZoneInfo("America/Los_Angeles")
MOMENTS = {
    "daylight saving begins": datetime(2027, 3, 14, 23, 50, tzinfo=PACIFIC),
    "daylight saving ends": datetime(2027, 11, 7, 23, 50, tzinfo=PACIFIC),
    "29 February": datetime(2028, 2, 29, 23, 50, tzinfo=PACIFIC),
    "a month's end": datetime(2027, 1, 31, 23, 50, tzinfo=PACIFIC),
}
TESTS = ("tests/pure", "tests/emulators", "-n", "2")
LONGEST = 1800  # seconds for one moment


def run(moment: datetime, arguments: list[str]) -> int:
    """Run pytest at a moment; its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        clock = MovedClock(Path(folder) / "clock")
        clock.set_offset((moment - datetime.now(UTC)).total_seconds())
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, **clock.environment()}
        return subprocess.run(command, cwd=ROOT, env=environment, timeout=LONGEST, check=False).returncode


def main() -> int:
    """Every moment, one after the other; exit status 1 when any run failed."""
    failed = []
    for name, moment in MOMENTS.items():
        began = time.monotonic()
        status = run(moment, sys.argv[1:] or list(TESTS))
        print(f"{name}, {moment}: exit status {status}, {time.monotonic() - began:.0f} s", flush=True)
        failed += [name] if status else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
