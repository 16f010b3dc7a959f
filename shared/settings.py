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


def setting(name: str, default: Any = MISSING, *, doc: str, form: Form | None = None) -> Any:
    """A dataclass field that is read from the environment variable `name`.

    form: unless given, an address for names that end like one, and any text for others.
    """
    form = form or (URL if name.endswith(("_URL", "_ROOT")) else TEXT)
    metadata = {"env": name, "doc": doc, "form": form}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployment's settings. URLs carry no trailing slash."""

    project: str = setting("GOOGLE_CLOUD_PROJECT", doc="Google Cloud project id")
    region: str = setting("YT_REGION", "us-central1", doc="region of functions, queues and topics")
    app_url: str = setting("YT_APP_URL", doc="public address of the app; the OAuth callback is under it")
    api_url: str = setting("YT_API_URL", doc="public address of the API; push notifications arrive there")
    function_url: str = setting(
        "YT_FUNCTION_URL",
        "https://{region}-{project}.cloudfunctions.net/{function}",
        doc="address of a function; {region}, {project} and {function} are filled in",
        form=FUNCTION_URL,
    )
    id_token_issuer: str = setting("YT_ID_TOKEN_ISSUER", doc="issuer of the app's user ID tokens")
    id_token_audience: str = setting("YT_ID_TOKEN_AUDIENCE", doc="audience of the app's user ID tokens")
    id_token_keys_url: str = setting(
        "YT_ID_TOKEN_KEYS_URL", doc="JSON Web Key Set that signs the app's user ID tokens"
    )
    iap_audience: str = setting(
        "YT_IAP_AUDIENCE",
        "",
        doc="audience of Identity-Aware Proxy's assertions, /projects/NUMBER/global/backendServices/ID; "
        "without it the console lets nobody in",
    )
    iap_keys_url: str = setting(
        "YT_IAP_KEYS_URL",
        "https://www.gstatic.com/iap/verify/public_key-jwk",
        doc="JSON Web Key Set of Identity-Aware Proxy",
    )
    return_to: tuple[str, ...] = setting(
        "YT_RETURN_TO",
        (),
        doc="URLs that a user may be sent back to after consent, comma separated",
    )
    source_buckets: tuple[str, ...] = setting(
        "YT_SOURCE_BUCKETS",
        (),
        doc="buckets that files to publish may come from, comma separated; without it none",
        form=Form(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "names of buckets"),
    )
    source_hosts: tuple[str, ...] = setting(
        "YT_SOURCE_HOSTS",
        (),
        doc="hosts that files to publish may come from, comma separated, .example.com for all under it; "
        "without it none",
        form=Form(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", "names of hosts"),
    )
    callback_url: str = setting(
        "YT_CALLBACK_URL",
        "",
        doc="address of the app that is told, signed, when a publishing operation has ended; without it none",
        form=HTTPS_URL,
    )
    alert_url: str = setting(
        "YT_ALERT_URL",
        "",
        doc="address that operators' notices are posted to, signed, as a chat's incoming webhook takes them "
        '({"text": ...}); without it they go to the log and to Pub/Sub only',
        form=HTTPS_URL,
    )
    users_max: int = setting("YT_USERS_MAX", 50, doc="users that may connect channels", form=COUNT)
    channels_per_user: int = setting(
        "YT_CHANNELS_PER_USER", 5, doc="channels that one user may connect", form=COUNT
    )
    quota_profile: str = setting(
        "YT_QUOTA_PROFILE",
        "current",
        doc="quota profile: current or guide",
        form=one_of("current", "guide"),
    )
    quota_limits: tuple[str, ...] = setting(
        "YT_QUOTA_LIMITS",
        (),
        doc="daily limits other than the profile's, as bucket=units, comma separated",
        form=Form(r"\w+=[1-9][0-9]{0,8}", "bucket=units"),
    )
    rate_limits: tuple[str, ...] = setting(
        "YT_RATE_LIMITS",
        (),
        doc="rate limits other than the profile's, as limit=calls/seconds or limit=off, comma separated",
        form=Form(r"\w+=(off|[1-9][0-9]{0,3}/[1-9][0-9]{0,4})", "limit=calls/seconds or limit=off"),
    )
    dataset: str = setting(
        "YT_DATASET",
        "youtube",
        doc="BigQuery dataset",
        form=Form(r"[A-Za-z0-9_]{1,1024}", "letters, digits and underscores"),
    )
    aggregation: str = setting(
        "YT_AGGREGATION",
        "",
        doc="why the numbers of several channels may be added up, which YouTube's Developer Policies (III.E.2) "
        "forbid otherwise: one-content-owner (all are of one content owner that YouTube recognises, shown to it "
        "alone) or amendment-accepted (YouTube's amendment for audited developers); without it none are",
        form=one_of("one-content-owner", "amendment-accepted"),
    )
    report_profile: str = setting(
        "YT_REPORT_PROFILE",
        "standard",
        doc="which report types of the Reporting API are collected: essential, standard or full",
        form=one_of("essential", "standard", "full"),
    )
    report_types: tuple[str, ...] = setting(
        "YT_REPORT_TYPES",
        (),
        doc="report types to collect in place of the profile's, comma separated, the most valuable first: of all "
        "channels each is listed before anybody's next",
        form=one_of(*REPORT_TYPES),
    )
    retention_queries: int = setting(
        "YT_RETENTION_QUERIES",
        5,
        doc="videos of a channel whose audience retention is asked a day, one Analytics query each",
        form=COUNT,
    )
    metadata_units: int = setting(
        "YT_METADATA_UNITS",
        2_000,
        doc="units of the default pool that reading channels and videos by night may cost a day",
        form=COUNT,
    )
    statistics_units: int = setting(
        "YT_STATISTICS_UNITS",
        9_000,
        doc="calls that reading the counts of videos may make a day, up to 50 videos each",
        form=COUNT,
    )
    youtube_root: str = setting("YT_YOUTUBE_ROOT", "https://youtube.googleapis.com", doc="YouTube Data API")
    analytics_root: str = setting(
        "YT_ANALYTICS_ROOT", "https://youtubeanalytics.googleapis.com", doc="YouTube Analytics API"
    )
    reporting_root: str = setting(
        "YT_REPORTING_ROOT", "https://youtubereporting.googleapis.com", doc="YouTube Reporting API"
    )
    oauth_auth_url: str = setting(
        "YT_OAUTH_AUTH_URL",
        "https://accounts.google.com/o/oauth2/v2/auth",
        doc="Google's consent page",
    )
    oauth_token_url: str = setting(
        "YT_OAUTH_TOKEN_URL", "https://oauth2.googleapis.com/token", doc="Google's token endpoint"
    )
    oauth_revoke_url: str = setting(
        "YT_OAUTH_REVOKE_URL",
        "https://oauth2.googleapis.com/revoke",
        doc="Google's revocation endpoint",
    )
    oauth_issuer: str = setting(
        "YT_OAUTH_ISSUER",
        "https://accounts.google.com",
        doc="issuer that the OAuth callback may name",
    )
    oauth_publishing: str = setting(
        "YT_OAUTH_PUBLISHING",
        "production",
        doc="publishing status of the OAuth consent screen: production, or testing (grants die after a week)",
        form=one_of("production", "testing"),
    )
    hub_url: str = setting("YT_HUB_URL", "https://pubsubhubbub.appspot.com/subscribe", doc="WebSub hub")
    topic_url: str = setting(
        "YT_TOPIC_URL",
        "https://www.youtube.com/xml/feeds/videos.xml",
        doc="WebSub topic of a channel, without its query",
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
        name = item.metadata["env"]
        text = environ.get(name, "").strip()
        if not text:
            if item.default is MISSING:
                problems.append(f"{name} is missing ({item.metadata['doc']})")
            continue
        parts = [part.strip() for part in text.split(",") if part.strip()] if _is_list(item) else [text]
        form: Form = item.metadata["form"]
        if not (parts and all(re.fullmatch(form.pattern, part) for part in parts)):
            problems.append(f"{name} must be {form.words}")  # and not what it is: that may hold a secret
            continue
        values[item.name] = _value(item, parts)
    if problems:
        raise Misconfigured("settings: " + "; ".join(problems), reason="settings")
    return Settings(**values)


def _is_list(item: Field[Any]) -> bool:
    return str(item.type).startswith("tuple")


def _value(item: Field[Any], parts: list[str]) -> object:
    if _is_list(item):
        return tuple(parts)
    if item.type == "int":
        return int(parts[0])
    return parts[0].rstrip("/") if item.metadata["form"] in {URL, FUNCTION_URL} else parts[0]


@cache
def settings() -> Settings:
    """This process's settings, read from its environment on first use."""
    return load(os.environ)
