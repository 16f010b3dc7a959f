"""Where the parts of one stack listen, and the one environment that follows from it.

Everything that a process of the stack is told comes from here: the settings of `shared/settings.py`, the emulator
variables of Google's clients, the clock. Tests and the demo take the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.deployment import deployment
from infra.local.gateway.iap import KEYS_PATH as IAP_KEYS_PATH
from infra.local.process import LOOPBACK, free_ports
from infra.local.simulator.callbacks import PATH as CALLBACK_PATH

PROJECT = "ytempire-local"
IAP_AUDIENCE = "/projects/1/global/backendServices/1"
USER_AUDIENCE = "ytempire-app"
SOURCE_BUCKET = "videos"
"""The one bucket that files to publish may come from."""
PARTS = (
    "gateway",
    "simulator",
    "firestore",
    "pubsub",
    "bigquery",
    "bigquery-grpc",
    "cloud",
    "cloud-control",
    "objects",
    "scheduler",
)


@dataclass(frozen=True)
class Addresses:
    """One stack's ports by part, and its functions' by name."""

    ports: Mapping[str, int]
    functions: Mapping[str, int]

    @classmethod
    def choose(cls, functions: Sequence[str]) -> Addresses:
        """Free ports for every part and function."""
        ports = free_ports(len(PARTS) + len(functions))
        return cls(dict(zip(PARTS, ports, strict=False)), dict(zip(functions, ports[len(PARTS) :], strict=True)))

    def host(self, part: str) -> str:
        """host:port of a part."""
        return f"{LOOPBACK}:{self.ports[part]}"

    def url(self, name: str) -> str:
        """Root address of a part; of a private function, its own URL behind the gateway."""
        if name in self.functions:
            return f"{self.url('gateway')}/functions/{name}"
        return f"http://{self.host(name)}"

    def environment(self, *, users: int, channels_per_user: int) -> dict[str, str]:
        """The settings of every process in this stack; nothing in it is secret."""
        gateway, simulator = self.url("gateway"), self.url("simulator")
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.host("firestore"),
            "PUBSUB_EMULATOR_HOST": self.host("pubsub"),
            "BIGQUERY_EMULATOR_HOST": self.host("bigquery"),
            "CLOUD_TASKS_EMULATOR_HOST": self.host("cloud"),
            "SECRET_MANAGER_EMULATOR_HOST": self.host("cloud"),
            "STORAGE_EMULATOR_HOST": self.url("objects"),
            "YT_REGION": deployment().region,
            "YT_APP_URL": gateway,
            "YT_API_URL": gateway,
            "YT_FUNCTION_URL": f"{gateway}/functions/{{function}}",
            "YT_RETURN_TO": f"{gateway}/console",
            "YT_ID_TOKEN_ISSUER": f"{simulator}/app",
            "YT_ID_TOKEN_AUDIENCE": USER_AUDIENCE,
            "YT_ID_TOKEN_KEYS_URL": f"{simulator}/app/.well-known/jwks.json",
            "YT_IAP_AUDIENCE": IAP_AUDIENCE,
            "YT_IAP_KEYS_URL": f"{gateway}{IAP_KEYS_PATH}",
            "YT_AGGREGATION": "one-content-owner",  # as the simulated network's owner would state
            "YT_CALLBACK_URL": f"{simulator}{CALLBACK_PATH}",
            "YT_ALERT_URL": f"{simulator}{CALLBACK_PATH}",
            "YT_SOURCE_BUCKETS": SOURCE_BUCKET,
            "YT_USERS_MAX": str(max(users, 50)),
            "YT_CHANNELS_PER_USER": str(max(channels_per_user, 5)),
            "YT_YOUTUBE_ROOT": simulator,
            "YT_ANALYTICS_ROOT": simulator,
            "YT_REPORTING_ROOT": simulator,
            "YT_OAUTH_AUTH_URL": f"{simulator}/o/oauth2/v2/auth",
            "YT_OAUTH_TOKEN_URL": f"{simulator}/token",
            "YT_OAUTH_REVOKE_URL": f"{simulator}/revoke",
            "YT_HUB_URL": f"{simulator}/subscribe",
            "YT_TOPIC_URL": f"{simulator}/xml/feeds/videos.xml",
            "OAUTHLIB_INSECURE_TRANSPORT": "1",  # oauthlib's own switch for plain http, which loopback is
            "NO_PROXY": LOOPBACK,  # a proxy of the machine's has no business between the parts
            "no_proxy": LOOPBACK,
            "PYTHONUNBUFFERED": "1",
        }
