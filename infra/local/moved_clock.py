"""The stack's one clock: real time plus an offset that can be moved.

All Python processes of the stack run under libfaketime, which reads the offset from a file on every call. So
production code reads the system clock and nothing in it knows that time was moved; timeouts stay real, because
the monotonic clock is left alone. Google's Java emulators keep real time.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path


def libfaketime() -> Path:
    """The preloaded library, as PyPI's `libfaketime` builds it. Raises FileNotFoundError when it is not there."""
    spec = find_spec("libfaketime")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("libfaketime is not installed; run `make setup`")
    library = Path(spec.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    if not library.is_file():
        raise FileNotFoundError(f"{library} is missing: libfaketime was installed without a C compiler and make")
    return library


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
        return {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self.path.resolve()),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "FAKETIME_NO_CACHE": "1",
        }
