"""The stand-in over HTTP on the loopback interface, and the environment that sends gcloud there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra.rehearsal.cloud import Cloud
from infra.rehearsal.services import answer

SERVICES = {
    "CLOUDFUNCTIONS": "cloudfunctions",
    "RUN": "run",
    "CLOUDBUILD": "cloudbuild",
    "SERVICEUSAGE": "serviceusage",
    "IAM": "iam",
    "STORAGE": "storage",
    "PUBSUB": "pubsub",
    "ARTIFACTREGISTRY": "artifactregistry",
    "CLOUDRESOURCEMANAGER": "cloudresourcemanager",
    "SECRETMANAGER": "secretmanager",
    "FIRESTORE": "firestore",
    "IAMCREDENTIALS": "iamcredentials",
    "CLOUDBILLING": "cloudbilling",
    "CLOUDSCHEDULER": "cloudscheduler",
    "CLOUDTASKS": "cloudtasks",
    "BIGQUERY": "bigquery/v2",
    "COMPUTE": "compute/v1",
}
"""gcloud's name of each service, and the API that answers under that path."""
MAX_BODY = 64 * 2**20


@contextmanager
def serving(cloud: Cloud) -> Iterator[str]:
    """The stand-in's address, while it runs."""
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    cloud.called_url = lambda name: f"{address}/called/{name}"
    cloud.upload_url = lambda name: f"{address}/uploads/{name}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def environment(address: str, folder: Path) -> dict[str, str]:
    """Environment variables under which gcloud and BigQuery's client talk to the stand-in.

    gcloud gets a configuration of its own.

    The stand-in is gcloud's proxy too: gcloud puts a region before Cloud Run's host, a name that nobody resolves.
    """
    token = folder.with_suffix(".token")
    token.write_text("nobody's")
    fixed = {
        "http_proxy": address,
        "BIGQUERY_EMULATOR_HOST": address.removeprefix("http://"),
        "no_proxy": "",
        "CLOUDSDK_CONFIG": str(folder),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
    }
    moved = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": f"{address}/{api}/" for name, api in SERVICES.items()}
    return {**fixed, **moved}


class _Handler(BaseHTTPRequestHandler):
    cloud: Cloud
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY)
        content = self.rfile.read(length)
        parts = urlsplit(self.path)
        _, service, rest = (*parts.path.split("/", 2), "", "")[:3]
        if service == "uploads":
            self._answer(*self.cloud.upload(rest, content))
            return
        if service == "called":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._answer(*answer(self.cloud, rest.partition("/")[0], token))
            return
        body = json.loads(content) if content.strip() else None
        if isinstance(body, dict):  # a field that is null is one that is not there
            body = {name: value for name, value in body.items() if value is not None}
        version = "v1" if rest.startswith("apis/") else rest.split("/", 1)[0]  # Knative's form of Cloud Run
        api = f"{service}.{version}"
        # Some documents leave the version out of their paths.
        path = rest.removeprefix(f"{version}/") if service in {"bigquery", "compute"} else rest
        self._answer(*self.cloud.request(api, self.command, f"/{path}", parse_qs(parts.query), body))

    def _answer(self, code: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing: `Cloud.calls` counts, and gcloud says what failed."""
