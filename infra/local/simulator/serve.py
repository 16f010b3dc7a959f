"""Serving a simulator: in this process until it is told to stop, or on a free port in a thread of a test."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.local.process import LOOPBACK, free_port
from infra.local.simulator.app import create_app
from infra.local.simulator.state import Plan, Simulator


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, which also lets a request see its connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the connection in the state that every request of it sees."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def server(simulator: Simulator, port: int, kind: type[uvicorn.Server] = uvicorn.Server) -> uvicorn.Server:
    """A server for a simulator on a port of 127.0.0.1; `run()` serves until it is told to stop."""
    config = uvicorn.Config(
        create_app(simulator),
        host=LOOPBACK,
        port=port,
        loop="asyncio",
        http=Protocol,
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        backlog=1024,
    )
    return kind(config)


class BriefServer(uvicorn.Server):
    """A server for one block: it sees within milliseconds that it is to end, and then waits for nobody."""

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Stop listening, cut what is open."""
        for listener in self.servers:
            listener.close()
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()


@contextmanager
def serving(plan: Plan | None = None) -> Iterator[Simulator]:
    """A simulator that listens on a free port while the block runs; `simulator.root` is its address."""
    port = free_port()
    simulator = Simulator(replace(plan or Plan(root=""), root=f"http://{LOOPBACK}:{port}"))
    running = server(simulator, port, BriefServer)
    thread = threading.Thread(target=running.run, name="simulator", daemon=True)
    thread.start()
    try:
        _wait(running, thread)
        yield simulator
    finally:
        running.should_exit = True
        thread.join(timeout=10)


def _wait(running: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + 20
    while not running.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulator did not start")
        time.sleep(0.01)
