"""Every shape of answer becomes one fault with one meaning, and nothing makes the classifier fall over."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import exceptions as wire

from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    Misconfigured,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Terminal,
    Transient,
    Unavailable,
)
from shared.youtube.faults import RETRY_AFTER_CAP, as_error, classify, damaged, fault_of, no_answer
from shared.youtube.policy import Kind, policy

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


def clock():
    return NOW


def data_error(code, reason, message="No.", domain="global", **more):
    item = {"message": message, "domain": domain, "reason": reason}
    error = {"code": code, "message": message, "errors": [item], **more}
    return json.dumps({"error": error}).encode()


def reporting_error(status, name, message="No."):
    return json.dumps({"error": {"code": status, "message": message, "status": name}}).encode()


def token_error(reason, description="No."):
    return json.dumps({"error": reason, "error_description": description}).encode()


def seen(status, body, headers=None):
    return classify(status, headers or {}, body, clock=clock)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, data_error(403, "quotaExceeded", domain="youtube.quota"), "quotaExceeded"),
        (401, data_error(401, "authError", "Invalid Credentials"), "authError"),
        (404, data_error(404, "videoNotFound", domain="youtube.video"), "videoNotFound"),
        (401, reporting_error(401, "UNAUTHENTICATED", "Request had invalid credentials."), "authError"),
        (404, reporting_error(404, "NOT_FOUND"), "notFound"),
        (409, reporting_error(409, "ALREADY_EXISTS"), "alreadyExists"),
        (503, reporting_error(503, "UNAVAILABLE"), "unavailable"),
        (400, token_error("invalid_grant", "Token has been expired or revoked."), "invalid_grant"),
        (401, token_error("invalid_client"), "invalid_client"),
        (400, data_error(400, "uploadLimitExceeded", domain="youtube.video"), "uploadLimitExceeded"),
        (403, data_error(403, "SERVICE_DISABLED"), "accessNotConfigured"),
        (
            401,
            reporting_error(401, "UNAUTHENTICATED", "The account is not linked to a channel"),
            "noLinkedChannel",
        ),
    ],
)
def test_all_three_shapes_are_understood(status, body, reason):
    fault = seen(status, body)
    assert (fault.reason, fault.status, fault.known) == (reason, status, True)


@pytest.mark.parametrize(
    "message",
    [
        "Quota exceeded for quota metric 'Video Uploads' and limit 'Video Uploads per day'.",
        "Daily limit: requests PerDayPerProject",
    ],
)
def test_a_rate_limit_that_speaks_of_a_day_is_a_quota(message):
    fault = seen(429, data_error(429, "rateLimitExceeded", message))
    assert (fault.reason, fault.given) == ("quotaExceeded", "rateLimitExceeded")


def test_a_channels_own_limit_that_speaks_of_a_day_is_not_the_projects_quota():
    body = data_error(429, "uploadRateLimitExceeded", "The channel has uploaded too many thumbnails per day.")
    assert seen(429, body).reason == "uploadRateLimitExceeded"


def test_half_a_character_in_an_answer_can_be_written_to_the_log():
    fault = seen(400, b'{"error": {"errors": [{"reason": "\\ud800"}], "message": "\\udfff"}}')
    assert (fault.given, fault.detail) == ("?", "?")


def test_a_rate_limit_of_a_minute_stays_a_rate():
    fault = seen(429, data_error(429, "rateLimitExceeded", "limit 'Queries per minute' exceeded"))
    assert fault.reason == "rateLimitExceeded"


def test_the_reporting_apis_daily_limit_is_known_by_its_name():
    body = reporting_error(429, "RESOURCE_EXHAUSTED", "Quota 'FreeQuotaRequestsPerDayPerProject' exhausted")
    assert seen(429, body).reason == "FreeQuotaRequestsPerDayPerProject"


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><h1>Forbidden</h1> 100 per day</html>",
        b"",
        b"   ",
        b'{"error": {"co',
        b"\xff\xfe",
        b"[]",
        b"[[1]]",
        b'{"error": ' + b"[" * 30_000,
    ],
)
@pytest.mark.parametrize(
    ("status", "transient"), [(403, False), (400, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_an_answer_without_a_reason_is_judged_by_its_status(status, transient, body):
    fault = seen(status, body)
    assert isinstance(as_error(fault, clock=clock), Transient) == transient
    assert not fault.known


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("86400", RETRY_AFTER_CAP.total_seconds()),
        ("9" * 40, None),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(text, seconds):
    waits = seen(503, b"", {"retry-after": text}).retry_after
    assert waits == (None if seconds is None else timedelta(seconds=seconds))


def test_a_new_word_of_googles_is_reported_as_unknown_and_still_has_an_action():
    fault = seen(403, data_error(403, "somethingNew", status="PERMISSION_DENIED"))
    assert (fault.known, fault.given, fault.reason) == (False, "somethingNew", "forbidden")


@pytest.mark.parametrize(
    ("error", "reason", "sent"),
    [
        (wire.NewConnectionError(None, "refused"), "connectionFailed", False),
        (wire.ConnectTimeoutError(), "connectionFailed", False),
        (wire.ReadTimeoutError(None, "/", "slow"), "timeout", True),
        (TimeoutError(), "timeout", True),
        (wire.ProtocolError("reset"), "connectionLost", True),
        (ConnectionResetError(), "connectionLost", True),
        (wire.DecodeError(), "unreadableAnswer", True),
        (json.JSONDecodeError("", "", 0), "unreadableAnswer", True),
    ],
)
def test_only_a_failed_connect_proves_that_nothing_was_sent(error, reason, sent):
    fault = no_answer(error)
    assert (fault.reason, fault.sent) == (reason, sent)
    assert isinstance(as_error(fault, clock=clock), Transient)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("quotaExceeded", QuotaRefused),
        ("uploadLimitExceeded", RateLimited),
        ("rateLimitExceeded", RateLimited),
        ("authError", ReauthRequired),
        ("insufficientPermissions", ReauthRequired),
        ("youtubeSignupRequired", Forbidden),
        ("forbidden", Forbidden),
        ("invalidTags", InvalidRequest),
        ("videoNotFound", NotFound),
        ("conflict", Conflict),
        ("backendError", Unavailable),
        ("invalid_client", Misconfigured),
    ],
)
def test_a_fault_becomes_the_error_that_says_whether_to_ask_again(reason, kind):
    error = as_error(seen(400, data_error(400, reason)), clock=clock)
    assert type(error) is kind
    assert error.reason == reason
    assert fault_of(error).reason == reason


def test_an_error_is_transient_when_the_request_can_succeed_without_anybody_acting():
    passing = {Kind.QUOTA, Kind.CHANNEL_LIMIT, Kind.RATE, Kind.SERVER, Kind.NETWORK}
    for rule in policy().rules.values():
        error = as_error(seen(400, data_error(400, rule.reason)), clock=clock)
        assert isinstance(error, Transient if rule.kind in passing else Terminal)


def test_a_spent_day_says_when_it_is_full_again():
    error = as_error(seen(403, data_error(403, "quotaExceeded")), clock=clock)
    assert error.retry_at == datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.fault(26)
def test_a_channels_upload_limit_is_its_own_for_24_hours():
    error = as_error(seen(400, data_error(400, "uploadLimitExceeded")), clock=clock)
    assert error.retry_at == NOW + timedelta(hours=24)
    assert not isinstance(error, QuotaRefused)


@pytest.mark.fault(18)
def test_nothing_secret_survives_in_what_is_kept_of_googles_sentence():
    said = "bad token ya29.canary-token and https://x/?upload_id=canary-session&code=canary-code <a href='x'>x</a>"
    fault = seen(400, data_error(400, "badRequest", said))
    assert "canary" not in repr(fault)
    assert "<" not in fault.detail


@pytest.mark.parametrize(
    ("word", "message", "reason"),
    [
        (
            "CONSUMER_SUSPENDED",
            "Permission denied: Consumer 'api_key:AIzaCanary' has been suspended.",
            "consumerSuspended",
        ),
        ("CONSUMER_INVALID", "Project 'projects/1' not found or deleted.", "consumerInvalid"),
        ("SERVICE_DISABLED", "YouTube Reporting API has not been used in project 1.", "accessNotConfigured"),
    ],
)
@pytest.mark.parametrize("general", [[], [{"reason": "forbidden", "domain": "global"}]])
def test_a_project_that_is_shut_out_is_the_operators_whatever_the_answer_begins_with(
    word, message, reason, general
):
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": word}]
    error = {"code": 403, "message": message, "errors": general, "status": "PERMISSION_DENIED", "details": details}
    fault = seen(403, json.dumps({"error": error}).encode())
    assert (fault.reason, fault.known) == (reason, True)
    assert type(as_error(fault, clock=clock)) is Misconfigured
    assert "Canary" not in repr(fault)


def test_googles_sentence_stands_beside_ours_where_a_person_has_to_act():
    sentence = "The authenticated user doesn't have permissions to upload and set custom video thumbnails."
    error = as_error(seen(403, data_error(403, "forbidden", sentence)), clock=clock)
    assert error.message == f"{policy().rules['forbidden'].says} YouTube says: “{sentence}”"
    disabled = data_error(403, "accessNotConfigured", "YouTube Reporting API has not been used in project 1.")
    assert "YouTube Reporting API" in as_error(seen(403, disabled), clock=clock).message


def test_googles_sentence_is_bounded():
    assert len(seen(400, data_error(400, "invalidTitle", "x" * 10_000)).message) < 500


@pytest.mark.parametrize(
    "fault",
    [
        seen(503, data_error(503, "backendError", "Backend Error")),
        seen(403, b"<html>Forbidden</html>"),
        seen(404, b""),
        damaged("processingFailure", detail="codec"),
    ],
    ids=lambda fault: fault.reason,
)
def test_what_helps_nobody_is_not_quoted(fault):
    assert fault.message == fault.rule.says


@given(st.integers(400, 599), st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_are_classified(status, body, header):
    fault = seen(status, body, {"retry-after": header})
    assert fault.message
    assert fault.retry_after is None or timedelta(0) <= fault.retry_after <= RETRY_AFTER_CAP


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "details", "reason", "status", "message", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.integers(400, 599), st.dictionaries(st.sampled_from(["error", "x"]), json_values))
def test_any_json_is_classified(status, answer):
    assert seen(status, json.dumps(answer).encode()).message
