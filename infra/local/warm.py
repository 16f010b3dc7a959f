"""Runs Python commands in copies of itself that have Google's packages imported already.

    python -P infra/local/warm.py SOCKET

Importing Google's clients takes two seconds of a CPU, and a stack starts some twenty processes. This one imports
them once, uses none of them, and forks: a connection brings a command, its environment, folder and log as a line
of JSON, and is answered with the copy's process id and, at its end, its exit status. A copy has nothing of ours
loaded: a function reads its own main.py and its own `shared`, as in Google's cloud. All copies share the memory
that nobody writes to.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PACKAGES = (
    *("functions_framework._cli", "gunicorn.workers.gthread", "uvicorn", "starlette.routing", "httpx", "jinja2"),
    *("google.cloud.firestore", "google.cloud.tasks_v2", "google.cloud.secretmanager", "google.cloud.pubsub_v1"),
    *(
        "google.auth.transport.urllib3",
        "google.cloud.bigquery",
        "google.resumable_media.requests",
        "googleapiclient.discovery",
    ),
    *("google_auth_oauthlib.flow", "cryptography.x509", "cryptography.hazmat.primitives.ciphers.aead", "jwt"),
)


def copied(listener: socket.socket) -> dict[str, Any]:
    """What a copy shall be, as `become` takes it. Returns in copies alone.

    Told to end, it takes no more commands, and ends after its copies.
    """
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)

    def end(*_: object) -> None:
        waiting.unregister(listener)
        listener.close()
        if not waiting.get_map():
            sys.exit()

    signal.signal(signal.SIGTERM, end)
    while waiting.get_map():
        for key, _ in waiting.select():
            if key.data:
                ended(*key.data)
                waiting.unregister(key.fd)
                os.close(key.fd)
                continue
            asking, _ = listener.accept()
            with asking.makefile() as lines:
                line = lines.readline()
            if not line:  # somebody who wanted to know whether we listen
                asking.close()
            elif pid := os.fork():
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asking))
            else:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.setsid()
                asking.sendall(b"%d\n" % os.getpid())
                asking.close()
                for other in waiting.get_map().values():
                    if other.data:
                        other.data[1].close()
                        os.close(other.fd)
                waiting.close()
                return dict(json.loads(line))
    sys.exit()


def ended(pid: int, asking: socket.socket) -> None:
    """Say how a copy has ended, if anybody still listens."""
    _, status = os.waitpid(pid, 0)
    with suppress(OSError), asking:
        asking.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(command: list[str], env: dict[str, str], cwd: str, log: str) -> None:
    """Be what Python would be, started with that command."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, of in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, of)
    os.close(output)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    if command[0] == sys.executable:
        command = command[1:]
    if command[0] == "-m":
        sys.path.insert(0, os.getcwd())
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(command[0]).parent))
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    for package in PACKAGES:
        importlib.import_module(package)
    gc.freeze()  # a collection would write to what is shared
    Path(sys.argv[1]).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        asked = copied(listener)
    become(**asked)
