"""`make up`: the stack, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from rich.console import Console

from infra.local import status
from infra.local.emulators import Missing
from infra.local.process import PartFailed
from infra.local.stack import Stack


class Ended(BaseException):
    """Somebody wants it to end; not an error, so that no handler of errors holds it up."""


def _end(_signum: int, _frame: FrameType | None) -> None:
    # Once is enough: what comes while the parts are being ended must not leave some of them behind.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    raise Ended


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--users", type=int, default=3)
    parser.add_argument("--channels-per-user", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--paused", action="store_true", help="start with every schedule paused")
    return parser.parse_args()


def main() -> int:
    """Start, show, watch, stop. Exit status: 0 when ended by a signal, 1 when it did not come up."""
    given, console = _arguments(), Console(width=None if sys.stdout.isatty() else 150)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _end)
    try:
        console.print("Starting the local stack ...")
        stack = Stack.start(
            users=given.users,
            channels_per_user=given.channels_per_user,
            seed=given.seed,
            schedules_paused=given.paused,
            say=lambda text: console.print(text, markup=False),
        )
    except (PartFailed, Missing, FileNotFoundError) as failure:
        console.print(str(failure), markup=False)
        return 1
    except Ended:
        return 0
    try:
        found = status.rows(stack.supervisor.parts.values())
        console.print(status.table(found, title=f"Local stack, ready in {stack.seconds:.1f} s"))
        console.print(f"Logs, clock and addresses: {stack.run_folder.relative_to(stack.run_folder.parent.parent)}")
        console.print(f"Console: {stack.url('gateway')}/console    Ctrl-C ends everything.")
        threading.Event().wait()
    except Ended:
        console.print("Ending ...")
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
