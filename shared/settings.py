"""What a deployment can set, typed, read once.

Every value comes from an environment variable. Required ones have no default; all that are missing or wrong are
named in one message, without their values. What a quota profile has (its buckets and limits) only that room knows,
and refuses likewise. Endpoints default to Google's own. Secrets are never settings: they live in Secret Manager,
and only their names are constants here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from shared.errors import Misconfigured

OAUTH_CLIENT_SECRET = "youtube-oauth-client"  # noqa: S105 - the secret's name in Secret Manager
VAULT_KEY_SECRET = "youtube-vault-key"  # noqa: S105 - likewise
CALLBACK_SECRET = "app-callback-secret"  # noqa: S105 - likewise
HUB_KEY_SECRET = "youtube-hub-key"  # noqa: S105 - likewise
REPORT_TYPES = (
    *("channel_basic_a3", "channel_reach_basic_a1", "channel_traffic_source_a3", "channel_device_os_a3"),
    *("channel_demographics_a1", "channel_playback_location_a3", "channel_reach_combined_a1"),
    *("playlist_basic_a2", "channel_end_screens_a1", "channel_end_screens_a2", "channel_cards_a1"),
    *("channel_cards_a2", "channel_sharing_service_a1", "channel_sharing_service_a2", "channel_subtitles_a3"),
    *("channel_province_a3", "playlist_traffic_source_a2", "playlist_device_os_a2"),
    *("playlist_playback_location_a2", "playlist_province_a2", "channel_combined_a3", "playlist_combined_a2"),
    *("channel_annotations_a1", "channel_annotations_a2"),
)
"""Report types that can be collected; the warehouse has a table for each."""


class Form(NamedTuple):
    """What a value must look like, each of them in a list: a whole pattern, and the same in words."""

    pattern: str
    words: str


def one_of(*words: str) -> Form:
    return Form("|".join(map(re.escape, words)), f"one of {', '.join(words)}")


URL = Form(r"https?://[^\s/?#]+\S*", "an http(s) URL")
FUNCTION_URL = Form(
    r"https?://([^\s{}]|\{(region|project|function)\})+",
    "an http(s) URL with no other places than {region}, {project} and {function}",
)
HTTPS_URL = Form(r"(https://[^\s/?#@]+|http://127\.0\.0\.1(:\d+)?)([/?][^\s#]*)?", "an https URL")
"""Plain http stays on this machine."""
COUNT = Form(r"[1-9][0-9]{0,8}", "a whole number of at least 1")
TEXT = Form(r"[^\r\n]+", "one line of text")


def of(form: Form, default: Any) -> Any:
    """A setting of a form. Others are an address if their name ends like one, and any text if not."""
    return field(default=default, metadata={"form": form})


@cache
def meanings() -> Mapping[str, str]:
    """What each setting means; read when somebody is to be told."""
    import tomllib

    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def variable(name: str) -> str:
    return "GOOGLE_CLOUD_PROJECT" if name == "project" else f"YT_{name.upper()}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployment's settings; `settings.toml` says what each means. URLs carry no trailing slash."""

    project: str
    region: str = "us-central1"
    app_url: str
    api_url: str
    function_url: str = of(FUNCTION_URL, "https://{region}-{project}.cloudfunctions.net/{function}")
    id_token_issuer: str
    id_token_audience: str
    id_token_keys_url: str
    iap_audience: str = ""
    iap_keys_url: str = "https://www.gstatic.com/iap/verify/public_key-jwk"
    return_to: tuple[str, ...] = ()
    source_buckets: tuple[str, ...] = of(Form(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "names of buckets"), ())
    source_hosts: tuple[str, ...] = of(Form(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", "names of hosts"), ())
    callback_url: str = of(HTTPS_URL, "")
    alert_url: str = of(HTTPS_URL, "")
    users_max: int = of(COUNT, 50)
    channels_per_user: int = of(COUNT, 5)
    quota_profile: str = of(one_of("current", "guide"), "current")
    quota_limits: tuple[str, ...] = of(Form(r"\w+=[1-9][0-9]{0,8}", "bucket=units"), ())
    rate_limits: tuple[str, ...] = of(
        Form(r"\w+=(off|[1-9][0-9]{0,3}/[1-9][0-9]{0,4})", "limit=calls/seconds or limit=off"), ()
    )
    dataset: str = of(Form(r"[A-Za-z0-9_]{1,1024}", "letters, digits and underscores"), "youtube")
    aggregation: str = of(one_of("one-content-owner", "amendment-accepted"), "")
    report_profile: str = of(one_of("essential", "standard", "full"), "standard")
    report_types: tuple[str, ...] = of(one_of(*REPORT_TYPES), ())
    retention_queries: int = of(COUNT, 5)
    metadata_units: int = of(COUNT, 2_000)
    statistics_units: int = of(COUNT, 9_000)
    youtube_root: str = "https://youtube.googleapis.com"
    analytics_root: str = "https://youtubeanalytics.googleapis.com"
    reporting_root: str = "https://youtubereporting.googleapis.com"
    oauth_auth_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    oauth_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    oauth_revoke_url: str = "https://oauth2.googleapis.com/revoke"
    oauth_issuer: str = "https://accounts.google.com"
    oauth_publishing: str = of(one_of("production", "testing"), "production")
    hub_url: str = "https://pubsubhubbub.appspot.com/subscribe"
    topic_url: str = "https://www.youtube.com/xml/feeds/videos.xml"

    @property
    def redirect_uri(self) -> str:
        """The one registered OAuth redirect URI."""
        return f"{self.app_url}/auth/youtube/callback"

    def url_of(self, function: str) -> str:
        """The address of a deployed function, which is also its OIDC audience."""
        return self.function_url.format(region=self.region, project=self.project, function=function)


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment.

    Raises Misconfigured once, naming every variable that is missing or not of its form.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for item in fields(Settings):
        name = variable(item.name)
        text = environ.get(name, "").strip()
        if not text:
            if item.default is MISSING:
                problems.append(f"{name} is missing ({meanings()[item.name]})")
            continue
        parts = [part.strip() for part in text.split(",") if part.strip()] if _is_list(item) else [text]
        form = _form(item)
        if not (parts and all(re.fullmatch(form.pattern, part) for part in parts)):
            problems.append(f"{name} must be {form.words}")  # and not what it is: that may hold a secret
            continue
        values[item.name] = _value(item, parts)
    if problems:
        raise Misconfigured("settings: " + "; ".join(problems), reason="settings")
    return Settings(**values)


def _form(item: Field[Any]) -> Form:
    return item.metadata.get("form") or (URL if item.name.endswith(("_url", "_root")) else TEXT)


def _is_list(item: Field[Any]) -> bool:
    return str(item.type).startswith("tuple")


def _value(item: Field[Any], parts: list[str]) -> object:
    if _is_list(item):
        return tuple(parts)
    if item.type == "int":
        return int(parts[0])
    return parts[0].rstrip("/") if _form(item) in {URL, FUNCTION_URL} else parts[0]


@cache
def settings() -> Settings:
    """This process's settings, read from its environment on first use."""
    return load(os.environ)
