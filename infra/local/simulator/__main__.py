"""`python -m infra.local.simulator --port P`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from infra.local.process import LOOPBACK
from infra.local.simulator.control_oauth import client_from
from infra.local.simulator.fields import whole
from infra.local.simulator.grants import Client
from infra.local.simulator.quota import BUCKETS, Limits
from infra.local.simulator.serve import server
from infra.local.simulator.state import Plan, Simulator


def main() -> None:
    """Serve until the process is told to end."""
    asked = parser().parse_args()
    usual = Limits()
    plan = Plan(
        root=asked.root or f"http://{LOOPBACK}:{asked.port}",
        seed=asked.seed,
        users=asked.users,
        channels_per_user=asked.channels_per_user,
        limits=Limits(daily={**usual.daily, **dict(asked.limit)}),
        clients=tuple(asked.client),
        clock_file=asked.clock_file,
        identity_key=asked.identity_key,
        testing_mode=asked.testing_mode,
        app_audience=asked.app_audience,
        callback_secret=asked.callback_secret.read_text().strip() if asked.callback_secret else "",
    )
    server(Simulator(plan), asked.port).run()


def parser() -> argparse.ArgumentParser:
    """What the simulator is started with; a value that makes no sense is told in one line."""
    found = argparse.ArgumentParser(prog="python -m infra.local.simulator", description=__doc__)
    add = found.add_argument
    add("--port", type=_within(1, 65535), required=True, help="TCP port of 127.0.0.1")
    add("--root", help="address under which others reach it, if not http://127.0.0.1:PORT")
    add("--seed", type=int, default=1, help="the world's seed")
    add("--users", type=_within(1, 10_000), default=50)
    add("--channels-per-user", type=_within(1, 1000), default=5)
    add("--identity-key", type=Path, help="Google's signing key; created if it is not there")
    add("--clock-file", type=Path, help="the moved clock's file: moving it moves every process that reads it")
    add("--client", type=_client, action="append", default=[], help="JSON of an OAuth client; may be repeated")
    add("--app-audience", default=Plan.app_audience, help="audience of the app's user ID tokens")
    add("--callback-secret", type=Path, help="file with the secret that signs callbacks to the app")
    add("--testing-mode", action="store_true", help="refresh tokens die after seven days")
    add("--limit", type=_limit, action="append", default=[], metavar="BUCKET=UNITS", help="a day's quota")
    return found


def _within(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            return int(whole(low, high)(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return number


def _client(text: str) -> Client:
    try:
        return client_from(json.loads(Path(text).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise argparse.ArgumentTypeError(f"{text} holds no OAuth client: {error!r}") from None


def _limit(text: str) -> tuple[str, int]:
    bucket, _, units = text.partition("=")
    if bucket not in BUCKETS or not units.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not BUCKET=UNITS with a bucket of {', '.join(BUCKETS)}")
    return bucket, int(units)


if __name__ == "__main__":
    main()
