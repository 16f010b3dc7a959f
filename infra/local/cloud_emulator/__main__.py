"""`python -m infra.local.cloud_emulator --port P --project X --region R --identity-key PATH [--http-port H]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from infra.deployment import deployment
from infra.local.cloud_emulator import declared, wire
from infra.local.cloud_emulator.control import Control
from infra.local.cloud_emulator.dispatch import Dispatcher
from infra.local.cloud_emulator.journal import Journal
from infra.local.cloud_emulator.secrets import SecretManager
from infra.local.cloud_emulator.taskqueue import NAME_MEMORY
from infra.local.cloud_emulator.tasks import CloudTasks
from infra.local.identity import IdentityKey
from infra.local.process import LOOPBACK


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.cloud_emulator", description="Cloud Tasks and Secret Manager on this machine."
    )
    parser.add_argument("--port", type=int, required=True, help="gRPC port, both services")
    parser.add_argument("--http-port", type=int, help="control port (none: no control endpoint)")
    parser.add_argument("--project", required=True, help="project of the declared queues and secrets")
    parser.add_argument("--region", required=True, help="the one location that queues have")
    parser.add_argument("--identity-key", type=Path, required=True, help="key file that signs OIDC tokens")
    parser.add_argument(
        "--name-memory",
        type=float,
        default=NAME_MEMORY,
        help="seconds for which an ended task's name stays taken (default: %(default)s)",
    )
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    tasks = CloudTasks(region=options.region, journal=Journal(), now=time.time, name_memory=options.name_memory)
    secrets = SecretManager(now=time.time)
    declared.create(deployment(), project=options.project, tasks=tasks, secrets=secrets)
    dispatcher = Dispatcher(tasks, IdentityKey.load_or_create(options.identity_key), now=time.time)
    grpc_server = wire.server(
        wire.service("google.cloud.tasks.v2.CloudTasks", tasks.methods()),
        wire.service("google.cloud.secretmanager.v1.SecretManagerService", secrets.methods()),
        address=f"{LOOPBACK}:{options.port}",
    )
    home = f"projects/{options.project}/locations/{options.region}"
    async with asyncio.TaskGroup() as group:
        parts = [group.create_task(dispatcher.run())]
        await grpc_server.start()
        if options.http_port is not None:
            parts.append(group.create_task(_control(Control(tasks, secrets, home), options.http_port)))
        print(f"Cloud Tasks and Secret Manager on {LOOPBACK}:{options.port}", flush=True)
        await stopped.wait()
        await grpc_server.stop(grace=0.5)
        for part in parts:
            part.cancel()


class _ControlServer(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _control(control: Control, port: int) -> None:
    config = uvicorn.Config(control.app(), host=LOOPBACK, port=port, log_level="warning", lifespan="off")
    await _ControlServer(config).serve()


def main() -> None:
    """The process."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("infra.local.cloud_emulator").setLevel(logging.INFO)
    asyncio.run(serve(arguments()))


if __name__ == "__main__":
    main()
