"""What a deployment can set, typed, read once.

Every value comes from an environment variable. Required ones have no default; all that are missing or wrong are
named in one message, without their values. What a quota profile has (its buckets and limits) only that room knows,
and refuses likewise. Endpoints default to Google's own. Secrets are never settings: they live in Secret Manager,
and only their names are constants here. Emulators are chosen by the variables that Google's tools use
(FIRESTORE_EMULATOR_HOST, PUBSUB_EMULATOR_HOST, ...), read in `shared/cloud`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
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
    """One of a few words."""
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


def setting(doc: str, default: Any = MISSING, form: Form | None = None) -> Any:
    """A setting in words. form: unless given, an address for a name that ends like one, any text for others."""
    return field(default=default, metadata={"doc": doc, "form": form})


def variable(name: str) -> str:
    """The environment variable that a setting is read from."""
    return "GOOGLE_CLOUD_PROJECT" if name == "project" else f"YT_{name.upper()}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployment's settings. URLs carry no trailing slash."""

    project: str = setting("Google Cloud project id")
    region: str = setting("region of functions, queues and topics", "us-central1")
    app_url: str = setting("public address of the app; the OAuth callback is under it")
    api_url: str = setting("public address of the API; push notifications arrive there")
    function_url: str = setting(
        "address of a function; {region}, {project} and {function} are filled in",
        "https://{region}-{project}.cloudfunctions.net/{function}",
        FUNCTION_URL,
    )
    id_token_issuer: str = setting("issuer of the app's user ID tokens")
    id_token_audience: str = setting("audience of the app's user ID tokens")
    id_token_keys_url: str = setting("JSON Web Key Set that signs the app's user ID tokens")
    iap_audience: str = setting(
        "audience of Identity-Aware Proxy's assertions, /projects/NUMBER/global/backendServices/ID; without "
        "it the console lets nobody in",
        "",
    )
    iap_keys_url: str = setting(
        "JSON Web Key Set of Identity-Aware Proxy", "https://www.gstatic.com/iap/verify/public_key-jwk"
    )
    return_to: tuple[str, ...] = setting("URLs that a user may be sent back to after consent, comma separated", ())
    source_buckets: tuple[str, ...] = setting(
        "buckets that files to publish may come from, comma separated; without it none",
        (),
        Form(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "names of buckets"),
    )
    source_hosts: tuple[str, ...] = setting(
        "hosts that files to publish may come from, comma separated, .example.com for all under it; without "
        "it none",
        (),
        Form(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", "names of hosts"),
    )
    callback_url: str = setting(
        "address of the app that is told, signed, when a publishing operation has ended; without it none",
        "",
        HTTPS_URL,
    )
    alert_url: str = setting(
        "address that operators' notices are posted to, signed, as a chat's incoming webhook takes them "
        '({"text": ...}); without it they go to the log and to Pub/Sub only',
        "",
        HTTPS_URL,
    )
    users_max: int = setting("users that may connect channels", 50, COUNT)
    channels_per_user: int = setting("channels that one user may connect", 5, COUNT)
    quota_profile: str = setting("quota profile: current or guide", "current", one_of("current", "guide"))
    quota_limits: tuple[str, ...] = setting(
        "daily limits other than the profile's, as bucket=units, comma separated",
        (),
        Form(r"\w+=[1-9][0-9]{0,8}", "bucket=units"),
    )
    rate_limits: tuple[str, ...] = setting(
        "rate limits other than the profile's, as limit=calls/seconds or limit=off, comma separated",
        (),
        Form(r"\w+=(off|[1-9][0-9]{0,3}/[1-9][0-9]{0,4})", "limit=calls/seconds or limit=off"),
    )
    dataset: str = setting(
        "BigQuery dataset", "youtube", Form(r"[A-Za-z0-9_]{1,1024}", "letters, digits and underscores")
    )
    aggregation: str = setting(
        "why the numbers of several channels may be added up, which YouTube's Developer Policies (III.E.2) "
        "forbid otherwise: one-content-owner (all are of one content owner that YouTube recognises, shown "
        "to it alone) or amendment-accepted (YouTube's amendment for audited developers); without it none "
        "are",
        "",
        one_of("one-content-owner", "amendment-accepted"),
    )
    report_profile: str = setting(
        "which report types of the Reporting API are collected: essential, standard or full",
        "standard",
        one_of("essential", "standard", "full"),
    )
    report_types: tuple[str, ...] = setting(
        "report types to collect in place of the profile's, comma separated, the most valuable first: of "
        "all channels each is listed before anybody's next",
        (),
        one_of(*REPORT_TYPES),
    )
    retention_queries: int = setting(
        "videos of a channel whose audience retention is asked a day, one Analytics query each", 5, COUNT
    )
    metadata_units: int = setting(
        "units of the default pool that reading channels and videos by night may cost a day", 2_000, COUNT
    )
    statistics_units: int = setting(
        "calls that reading the counts of videos may make a day, up to 50 videos each", 9_000, COUNT
    )
    youtube_root: str = setting("YouTube Data API", "https://youtube.googleapis.com")
    analytics_root: str = setting("YouTube Analytics API", "https://youtubeanalytics.googleapis.com")
    reporting_root: str = setting("YouTube Reporting API", "https://youtubereporting.googleapis.com")
    oauth_auth_url: str = setting("Google's consent page", "https://accounts.google.com/o/oauth2/v2/auth")
    oauth_token_url: str = setting("Google's token endpoint", "https://oauth2.googleapis.com/token")
    oauth_revoke_url: str = setting("Google's revocation endpoint", "https://oauth2.googleapis.com/revoke")
    oauth_issuer: str = setting("issuer that the OAuth callback may name", "https://accounts.google.com")
    oauth_publishing: str = setting(
        "publishing status of the OAuth consent screen: production, or testing (grants die after a week)",
        "production",
        one_of("production", "testing"),
    )
    hub_url: str = setting("WebSub hub", "https://pubsubhubbub.appspot.com/subscribe")
    topic_url: str = setting(
        "WebSub topic of a channel, without its query", "https://www.youtube.com/xml/feeds/videos.xml"
    )

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
                problems.append(f"{name} is missing ({item.metadata['doc']})")
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
    return item.metadata["form"] or (URL if item.name.endswith(("_url", "_root")) else TEXT)


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
