"""What Google's clients raise when a service cannot be had, and what they raise when we are wrong."""

from __future__ import annotations

from concurrent import futures

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError

from shared.entry import as_known
from shared.errors import Unavailable


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    "error",
    [
        exceptions.ServiceUnavailable("away"),
        exceptions.InternalServerError("ill"),
        exceptions.BadGateway("ill"),
        exceptions.DeadlineExceeded("slow"),
        exceptions.TooManyRequests("later"),
        exceptions.ResourceExhausted("later"),
        exceptions.Aborted("contention"),
        exceptions.RetryError("tried for long", cause=None),
        TransportError("no way to the token endpoint"),
        requests.ConnectionError("refused"),
        requests.ReadTimeout("slow"),
        futures.TimeoutError("a job that does not end"),
        ConnectionResetError("gone"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_service_that_cannot_be_had_is_an_outage_that_passes(error):
    assert isinstance(as_known(error), Unavailable)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.PermissionDenied("not for us"),
        exceptions.NotFound("no such table"),
        exceptions.BadRequest("no such column"),
        RefreshError("the account is gone"),
        OSError("disk full"),
        KeyError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_asking_again_does_not_mend_is_no_outage(error):
    assert as_known(error).reason == "internal"
