"""What a session keeps of the bytes it was sent: their number, their SHA-256 and how the file begins.

Constant memory whatever the size. A connection that breaks leaves whole granules behind, as Google's does; hashes
cannot be unwound, so a copy is kept at every granule's edge and the session falls back to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.local.simulator.uploads.protocol import GRANULE

if TYPE_CHECKING:
    from hashlib import _Hash

HEAD_BYTES = 64


@dataclass
class Received:
    """Bytes of one upload, in order. `size` and `sha256` always describe the same bytes."""

    size: int = 0
    head: bytes = b""
    _running: _Hash = field(default_factory=hashlib.sha256, repr=False)
    _edge: _Hash = field(default_factory=hashlib.sha256, repr=False)

    @property
    def sha256(self) -> str:
        """Hex digest of everything stored."""
        return self._running.hexdigest()

    def add(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        view = memoryview(data)
        if len(self.head) < HEAD_BYTES:
            self.head += bytes(view[: HEAD_BYTES - len(self.head)])
        to_edge = GRANULE - self.size % GRANULE
        while len(view) >= to_edge:
            self._running.update(view[:to_edge])
            self._edge = self._running.copy()
            self.size += to_edge
            view = view[to_edge:]
            to_edge = GRANULE
        self._running.update(view)
        self.size += len(view)

    def fall_back(self) -> None:
        """Forget what came after the last whole granule."""
        self.size -= self.size % GRANULE
        self._running = self._edge.copy()
        if not self.size:
            self.head = b""
