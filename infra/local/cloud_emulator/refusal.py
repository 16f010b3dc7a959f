"""The one way in which the emulated services say no: a gRPC status with a sentence."""

from __future__ import annotations

import grpc


class Refused(Exception):
    """A call is answered with a status other than OK; the message is what the caller reads."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    """INVALID_ARGUMENT: the request could never be right."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> Refused:
    """NOT_FOUND: the named thing does not exist, or no more."""
    return Refused(grpc.StatusCode.NOT_FOUND, message)


def already_exists(message: str) -> Refused:
    """ALREADY_EXISTS: the name is taken, or still remembered."""
    return Refused(grpc.StatusCode.ALREADY_EXISTS, message)


def precondition(message: str) -> Refused:
    """FAILED_PRECONDITION: right request, wrong state."""
    return Refused(grpc.StatusCode.FAILED_PRECONDITION, message)


def unimplemented(message: str) -> Refused:
    """UNIMPLEMENTED: the real service does this and the emulator does not, said aloud instead of pretended."""
    return Refused(grpc.StatusCode.UNIMPLEMENTED, message)
