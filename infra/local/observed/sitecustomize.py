"""Notes which of Google's APIs a function of the local stack calls; Python loads it at its start, if asked to.

One line a call, in the file that OBSERVED_CALLS names: the method and what it is about. Nothing of the function is
changed: gRPC's own interceptor listens, and urllib3, on which every HTTP client here stands, tells what it sends.
`infra.observed` reads the files.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import re
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any

_NAMED = ("parent", "topic", "subscription", "name", "database")


def _note(call: str, *about: str) -> None:
    if not (file := os.environ.get("OBSERVED_CALLS")):
        return  # a part that is no function
    handle = os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(handle, (" ".join((call, *about)) + "\n").encode())
    finally:
        os.close(handle)


def _grpc(module: ModuleType) -> None:
    class Listens(module.UnaryUnaryClientInterceptor, module.UnaryStreamClientInterceptor):  # type: ignore[misc,name-defined]
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            named = next((getattr(request, each) for each in _NAMED if getattr(request, each, "")), "")
            task = getattr(request, "task", None)
            acts_as = [task.http_request.oidc_token.service_account_email] if task is not None else []
            _note(details.method.lstrip("/"), named, *acts_as)
            return continuation(details, request)

        intercept_unary_stream = intercept_unary_unary

    for name in ("insecure_channel", "secure_channel"):
        make = getattr(module, name)

        def made(*given: Any, _make: Any = make, **more: Any) -> Any:
            return module.intercept_channel(_make(*given, **more), Listens())

        setattr(module, name, made)


def _urllib3(module: ModuleType) -> None:
    send = module.HTTPConnectionPool.urlopen

    def sent(self: Any, method: str, url: str, body: Any = None, *given: Any, **more: Any) -> Any:
        path = re.sub(r"^https?://[^/]+|\?.*", "", url)
        words = []
        if path.endswith(("/queries", "/jobs")) and "/upload/" not in path and isinstance(body, bytes | str):
            with suppress(ValueError, AttributeError):  # whatever it is, it is sent
                asked = json.loads(body)
                query = asked.get("query") or asked.get("configuration", {}).get("query", {}).get("query", "")
                words = re.sub(r"--[^\n]*", "", str(query)).split()[:1]
        _note(f"{method}:{path}", *words)
        return send(self, method, url, body, *given, **more)

    module.HTTPConnectionPool.urlopen = sent


_LISTENERS = {"grpc": _grpc, "urllib3.connectionpool": _urllib3}


class _Finder(importlib.abc.MetaPathFinder):
    """Lets a listener in once its module has been loaded, and loads nothing by itself."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        del path, target
        listen = _LISTENERS.pop(name, None)
        if listen is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def loaded(module: ModuleType) -> None:
            load(module)
            listen(module)

        spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder())
