"""The real gcloud without its start: a process that has its modules loaded forks for every command.

Of a command's CPU two thirds are imports, and a rehearsal is some hundred commands. This runs under gcloud's own
Python, so it takes nothing but the standard library: `serve` waits at a socket, `call` is the `gcloud` that a
deployment finds. What a command imported is imported for those that follow.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

READY = 60  # seconds


@contextmanager
def warm(folder: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment with a `gcloud` in front that is warm; everything that it began ends with it."""
    asked = ("gcloud", "info", "--format=value(basic.python_location,installation.sdk_root)")
    env = {**os.environ, **environment}
    python, root = subprocess.run(asked, check=True, capture_output=True, text=True, env=env).stdout.split()
    address, script = folder / "warm.socket", folder / "bin" / "gcloud"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec "{python}" -I -S "{__file__}" call "{address}" "$@"\n')
    script.chmod(0o755)
    command = (python, "-I", "-S", __file__, "serve", str(address), root)
    with subprocess.Popen(command, env=env, start_new_session=True, stdin=subprocess.DEVNULL) as server:
        try:
            ends = time.monotonic() + READY
            while not address.exists():
                if server.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError("gcloud does not start")
                time.sleep(0.05)
            yield {**environment, "PATH": f"{script.parent}:{os.environ['PATH']}"}
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def serve(address: str, root: str) -> None:
    """Fork for each command that comes; learn what it imported."""
    sys.path.insert(0, f"{root}/lib")
    importlib.import_module("gcloud")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{address}.new")
    listening.listen()
    os.rename(f"{address}.new", address)
    watched = selectors.DefaultSelector()
    watched.register(listening, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.fileobj is listening:
                asked, _ = listening.accept()
                learnt, told = os.pipe()
                if os.fork() == 0:
                    _follow(asked, told, f"{root}/lib/gcloud.py")
                asked.close()
                os.close(told)
                watched.register(learnt, selectors.EVENT_READ)
            else:
                watched.unregister(key.fd)
                with os.fdopen(key.fd) as names:
                    for name in names.read().split():
                        with suppress(Exception):  # what only that command could import
                            importlib.import_module(name)


def _follow(asked: socket.socket, told: int, path: str) -> None:
    """Be gcloud for one command, and end."""
    status = 1
    try:
        _, files, _, _ = socket.recv_fds(asked, 1, 3)
        with asked.makefile() as file:
            given = json.load(file)
        for place, each in enumerate(files):
            os.dup2(each, place)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(given["cwd"])
        os.environ.clear()
        os.environ.update(given["env"])
        time.tzset()
        sys.argv = [path, *given["argv"]]
        known = set(sys.modules)
        try:
            sys.modules["gcloud"].main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(told, "\n".join(sys.modules.keys() - known).encode())
        asked.sendall(bytes([status & 255]))
    finally:
        os._exit(status)


def call(address: str, argv: list[str]) -> int:
    """Have a command run with this process's files, folder and environment; its exit status."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(address)
        socket.send_fds(asking, [b"!"], [0, 1, 2])
        asking.sendall(json.dumps({"argv": argv, "cwd": os.getcwd(), "env": dict(os.environ)}).encode())
        asking.shutdown(socket.SHUT_WR)
        ended = asking.recv(1)
    return ended[0] if ended else 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:4])
    else:
        sys.exit(call(sys.argv[2], sys.argv[3:]))
