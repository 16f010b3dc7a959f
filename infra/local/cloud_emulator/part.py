"""The emulator as a part of the stack: its command line, and how one knows that it answers."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.request import urlopen

from infra.local.process import LOOPBACK, Part


def cloud_emulator(
    *,
    port: int,
    http_port: int,
    project: str,
    region: str,
    identity_key: Path,
    log: Path,
    name_memory: float | None = None,
) -> Part:
    """The part, ready when its control endpoint answers (gRPC listens before it does).

    name_memory: seconds for which an ended task's name stays taken; None for the service's longest, 24 hours.
    """

    def ready() -> bool:
        with urlopen(f"http://{LOOPBACK}:{http_port}/", timeout=5) as answer:
            return bool(answer.status == 200)

    command = [
        sys.executable,
        "-m",
        "infra.local.cloud_emulator",
        f"--port={port}",
        f"--http-port={http_port}",
        f"--project={project}",
        f"--region={region}",
        f"--identity-key={identity_key}",
    ]
    if name_memory is not None:
        command.append(f"--name-memory={name_memory}")
    return Part(name="cloud tasks, secrets", command=command, log=log, ready=ready)
