"""`make demo`: runs the story, shows each step, ends with a table and an exit status that can be trusted."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from rich.console import Console

from infra import observed
from infra.local import status
from infra.local.demo import closing, control, publishing, rest
from infra.local.demo.connect import people
from infra.local.demo.pulse import Pulse
from infra.local.demo.story import MainJob, Story
from infra.local.emulators import Missing
from infra.local.process import PartFailed
from infra.local.stack import Stack

PACED_USERS = 8
"""Up to so many users, both sides keep the 60 Reporting requests a minute that connectors report, and impressions
are collected too. A month of 250 channels is 129 such minutes of downloads, and takes some minutes longer."""
TYPES = "channel_basic_a3"
PACED_SETTINGS = {"YT_REPORT_TYPES": f"{TYPES},channel_reach_basic_a1"}
PACED = "  Both sides keep 60 Reporting requests a minute; the clock is moved on to whatever waits for them."
UNPACED_SETTINGS = {"YT_REPORT_TYPES": TYPES, "YT_RATE_LIMITS": "reporting=off"}
UNPACED = (
    f"  With more than {PACED_USERS} users neither side keeps the 60 Reporting requests a minute that connectors "
    "report, unless --paced asks for it. Every other limit holds."
)


def main() -> int:
    """Exit status 0 only if nothing differs from the truth and nothing was lost or doubled."""
    given, screen = _arguments(), Console()
    if not screen.is_terminal:
        screen.width = 120  # a log has no width of its own
    try:
        with Pulse(lambda text: screen.print(text, markup=False)) as pulse:
            return _play(given, screen, Story(screen.print, pulse))
    except (PartFailed, Missing) as failure:
        screen.print(str(failure), markup=False)
        return 1


def _play(given: argparse.Namespace, screen: Console, story: Story) -> int:
    began = time.monotonic()
    act = publishing.Act()
    with story.phase("publishing", "First act: publishing on a quota made small"):
        publishing.perform(act, screen, story.pulse)
    story.problems += act.problems
    screen.print("[bold]Second act: the main job. Starting the local stack[/bold]")
    with story.pulse.telling():
        stack = Stack.start(
            users=given.users,
            channels_per_user=given.channels_per_user,
            seed=given.seed,
            schedules_paused=True,
            settings={observed.VARIABLE: "1", **(PACED_SETTINGS if given.paced else UNPACED_SETTINGS)},
            say=lambda text: screen.print(text, markup=False),
        )
    with stack:
        parts = stack.supervisor.parts.values()
        story.pulse.watch(parts)
        story.seconds["start"] = round(stack.seconds, 1)
        screen.print(status.table(status.rows(parts), title="Local stack"))
        screen.print(f"  ready in {stack.seconds:.1f} s")
        screen.print(PACED if given.paced else UNPACED, markup=False)
        control.tell(stack, "quota", reporting_per_minute=60 if given.paced else None)
        job = MainJob(stack, story)
        job.run(given.users)
        _rest(job, story, given.users, Path(act.run))
        with story.phase("panels", "Every panel of the dashboards, and the guide's three queries, on all of this"):
            job.ask_panels()
        told = closing.result(story, total_seconds=time.monotonic() - began) | {"publishing": act.as_json()}
        console = f"{stack.url('gateway')}/console"
        ended = closing.conclude(screen, told, console=console, path=given.json)
        if given.keep:
            screen.print("Ctrl-C ends everything.")
            _wait_for_interrupt()
    return ended


def _rest(job: MainJob, story: Story, users: int, first: Path) -> None:
    """Everything else, and then whether anything was done that is not granted, or granted that nothing did.

    A network that is too small for it has only the main job.
    """
    everybody = people(job.stack, users=users)
    if len(everybody) < rest.PEOPLE or min(len(each.channels) for each in everybody) < rest.CHANNELS:
        return
    others = rest.Rest(job.stack, job.firestore, job.warehouse, job.dataset, everybody)
    with story.phase(
        "rest", "The rest of the work, each thing once: channels end, an upload fails, an alarm begins"
    ):
        story.problems += others.problems()
    with story.phase("grants", "What each function and caller may do is held against what it did"):
        story.grants = others.grants(first)
        story.problems += story.grants.problems


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--channels-per-user", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", help="also write the result here")
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    parser.add_argument("--paced", action="store_true", help="keep YouTube's pace with any number of users")
    given = parser.parse_args()
    given.paced = given.paced or given.users <= PACED_USERS
    return given


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
