"""Cloud Storage, where videos wait to be uploaded: described, and streamed from any byte.

Spoken to by its JSON API over Google's own authorised session, not by the client library: the library reads ahead
in blocks and waits for each (an upload took more than twice as long), and brings packages of its own for two GETs.
Source: cloud.google.com/storage/docs/json_api (objects.get).
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession
    from requests import Response

_ROOT = "https://storage.googleapis.com"
_READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
_TIMEOUT_SECONDS = 30
_GONE = frozenset({401, 403, 404, 412, 416})


@cache
def session() -> AuthorizedSession:
    """This process's session, with the function's own identity (none for STORAGE_EMULATOR_HOST)."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return AuthorizedSession(AnonymousCredentials())
    credentials, _ = google.auth.default(scopes=[_READ_ONLY])
    return AuthorizedSession(credentials)


def describe(bucket: str, name: str) -> tuple[str, int]:
    """An object's generation (its version) and its size in bytes.

    Raises NotFound where there is none that we may read, Unavailable.
    """
    fields = _get(_address(bucket, name), {"fields": "generation,size"}).json()
    return str(fields["generation"]), int(fields["size"])


def opened(bucket: str, name: str, generation: str, first: int, last: int | None) -> Response:
    """The bytes of this very version from `first` to `last` (both included) or the end, to read and to close.

    Raises NotFound when the version is gone, Unavailable.
    """
    asked = {"alt": "media", "generation": generation}
    headers = {"range": f"bytes={first}-{'' if last is None else last}", "accept-encoding": "identity"}
    return _get(f"/download{_address(bucket, name)}", asked, headers=headers, stream=True)


def _address(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"


def _get(
    path: str, asked: dict[str, str], *, headers: dict[str, str] | None = None, stream: bool = False
) -> Response:
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    root = os.environ.get("STORAGE_EMULATOR_HOST") or _ROOT
    try:
        answer: Response = session().get(
            root + path, params=asked, headers=headers, stream=stream, timeout=_TIMEOUT_SECONDS
        )
    except (RequestException, GoogleAuthError) as error:
        raise Unavailable("Cloud Storage does not answer.", reason="storageUnavailable") from error
    if answer.status_code in {200, 206}:
        return answer
    answer.close()
    if answer.status_code in _GONE:
        raise NotFound("There is no such object that we may read.", reason="objectNotFound")
    raise Unavailable(f"Cloud Storage answers {answer.status_code}.", reason="storageUnavailable")
