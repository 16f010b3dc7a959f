"""gRPC without generated servicers: a table of methods becomes a service that Google's clients can call.

The client libraries carry the protocol messages but no server side, so each method is registered by its full
name with the messages' own parsers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty  # type: ignore[attr-defined]

from infra.local.cloud_emulator.refusal import Refused

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Method:
    """One unary method: its name, the request's protocol message class, and what answers it.

    `answer` takes the request message and returns the response message; it raises Refused for any other status.
    """

    name: str
    request: Any
    answer: Callable[[Any], Any]


def service(name: str, methods: Iterable[Method]) -> Any:
    """The handler of one service, for `grpc.aio`. What is not in the table is UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(
        name,
        {
            method.name: grpc.unary_unary_rpc_method_handler(
                _guarded(method),
                request_deserializer=method.request.FromString,
                response_serializer=lambda message: (message or Empty()).SerializeToString(),
            )
            for method in methods
        },
    )


def _guarded(method: Method) -> Callable[[Any, Any], Any]:
    async def answer(request: Any, context: Any) -> Any:
        try:
            return method.answer(request)
        except Refused as refused:
            await context.abort(refused.code, refused.message)
        except Exception:  # noqa: BLE001 - the boundary: whatever it is, the client gets INTERNAL
            # The request itself is never logged: it may carry a secret.
            _log.exception("%s failed", method.name)
            await context.abort(grpc.StatusCode.INTERNAL, f"The emulator failed in {method.name}; see its log.")

    return answer


def server(*services: Any, address: str) -> Any:
    """A server for the services on one address, which nobody else may share.

    Raises RuntimeError when the port is taken.
    """
    built = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 8 << 20)])
    built.add_generic_rpc_handlers(services)
    built.add_insecure_port(address)
    return built
