"""What Google refuses is refused, in Google's words and shapes, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest

from infra.local.simulator.grants import Client, Grant
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan, Simulator
from shared.cloud.identity import TokenVerifier
from shared.errors import NotSignedIn
from tests.end_to_end.simulator import plain

CLIENT = Client(client_id="c", client_secret="s", redirect_uris=("https://app.example.test/callback",))
SCOPE = "https://www.googleapis.com/auth/"
CHANNELS = "/youtube/v3/channels?part=id&mine=true"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with serving(Plan(root="", users=1, channels_per_user=1, clients=(CLIENT,))) as running:
        yield running


@pytest.fixture(scope="module")
def http(simulator: Simulator) -> Iterator[httpx.Client]:
    with plain.client(simulator.root) as client:
        yield client


@pytest.fixture(autouse=True)
def _clean(simulator: Simulator) -> Iterator[None]:
    yield
    simulator.faults.clear()


@pytest.fixture
def token(simulator: Simulator) -> Callable[..., dict[str, str]]:
    """The header of a token with these scopes: token("youtube.readonly")."""

    def header(*scopes: str, email: str = "user-001@example.test") -> dict[str, str]:
        account = simulator.world.account(email)
        assert account is not None
        grant = Grant(
            client_id="c",
            account=account,
            channel_id=account.channels[0].id if account.channels else None,
            scopes=frozenset(SCOPE + scope for scope in scopes or ("youtube",)),
        )
        where = CLIENT.redirect_uris[0]
        code = simulator.grants.issue_code(
            grant, redirect_uri=where, challenge=None, plain=False, offline=True, nonce=None, lifetime=None
        )
        issue = simulator.grants.exchange(code, client=CLIENT, redirect_uri=where, verifier=None)
        return {"authorization": f"Bearer {issue.access_token}"}

    return header


def first(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]["errors"][0]


# Who is calling


def test_a_call_without_a_token_is_refused(http: httpx.Client):
    answer = http.get(CHANNELS)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert first(answer)["location"] == "Authorization"


@pytest.mark.parametrize("value", ["Bearer ya29.unknown", "Bearer", "Basic dTpw", "ya29.unknown"])
def test_a_token_that_nobody_issued_is_refused(http: httpx.Client, value: str):
    assert http.get(CHANNELS, headers={"authorization": value}).status_code == 401


def test_an_expired_token_is_an_auth_error(http: httpx.Client, simulator: Simulator, token):
    header = token()
    assert http.get(CHANNELS, headers=header).status_code == 200
    simulator.timepiece.advance(3601)
    answer = http.get(CHANNELS, headers=header)
    assert (answer.status_code, first(answer)["reason"]) == (401, "authError")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_api_key_that_does_not_exist_is_refused(http: httpx.Client):
    assert http.get(f"{CHANNELS}&key=AIza").status_code == 400


def test_a_missing_scope_is_insufficient_permission(http: httpx.Client, token):
    answer = http.get("/youtube/v3/channels?part=id&mine=true", headers=token("yt-analytics.readonly"))
    assert (answer.status_code, first(answer)["reason"]) == (403, "insufficientPermissions")
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_any_one_of_the_methods_scopes_suffices(http: httpx.Client, token):
    for scope in ("youtube", "youtube.readonly", "youtube.force-ssl"):
        assert http.get(CHANNELS, headers=token(scope)).status_code == 200


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("suspended@example.test", "authenticatedUserAccountSuspended"),
        ("closed@example.test", "authenticatedUserAccountClosed"),
    ],
)
def test_an_account_that_google_has_ended_is_told_so(http: httpx.Client, token, email: str, reason: str):
    answer = http.get(CHANNELS, headers=token(email=email))
    assert (answer.status_code, first(answer)["reason"]) == (403, reason)


# What is asked


@pytest.mark.parametrize(
    ("query", "reason", "location"),
    [
        ("mine=true", "missingRequiredParameter", "part"),
        ("part=id&mine=yes", "invalidParameter", "mine"),
        ("part=id&mine=true&maxResults=51", "invalidParameter", "maxResults"),
        ("part=id&mine=true&maxResults=-1", "invalidParameter", "maxResults"),
        ("part=id&mine=true&maxResults=many", "invalidParameter", "maxResults"),
        ("part=id,views&mine=true", "unknownPart", "part"),
        ("part=id&mine=true&mine=true", "invalidParameter", "mine"),
        ("part=id&mine=true&alt=xml", "invalidParameter", "alt"),
        ("part=id&mine=true&fields=items(id", "invalidParameter", "fields"),
        ("part=id&mine=true&fields=items(nonsense)", "invalidParameter", "fields"),
        ("part=id&mine=true&fields=items/snippet/nonsense", "invalidParameter", "fields"),
    ],
)
def test_a_wrong_parameter_is_named(http: httpx.Client, token, query: str, reason: str, location: str):
    answer = http.get(f"/youtube/v3/channels?{query}", headers=token())
    assert answer.status_code == 400
    assert (first(answer)["reason"], first(answer)["location"]) == (reason, location)


@pytest.mark.case("A16")
def test_a_selection_of_fields_that_no_answer_has_is_refused_before_anything_happens(http: httpx.Client, token):
    asked = {"params": {"part": "snippet", "fields": "id,nonsense"}, "json": {"snippet": {"title": "A list"}}}
    answer = http.post("/youtube/v3/playlists", headers=token(), **asked)
    assert (answer.status_code, first(answer)["message"]) == (400, "Invalid field selection nonsense")
    assert http.get("/youtube/v3/playlists?part=id&mine=true", headers=token()).json()["items"] == []


@pytest.mark.parametrize("selector", ["items(id,*)", "*", "kind,pageInfo/*", "items(snippet(thumbnails/*/url))"])
def test_a_selection_may_say_everything_of_a_field(http: httpx.Client, token, selector: str):
    answer = http.get(f"{CHANNELS}&fields={selector}", headers=token())
    assert answer.status_code == 200, answer.text


def test_an_unknown_parameter_is_named(http: httpx.Client, token):
    answer = http.get(f"{CHANNELS}&colour=red", headers=token())
    assert answer.status_code == 400
    assert 'Unknown name "colour"' in answer.json()["error"]["message"]


def test_a_wrong_enumeration_value_is_refused(http: httpx.Client, token):
    answer = http.get("/youtube/v3/videos?part=id&chart=newest", headers=token())
    assert (answer.status_code, first(answer)["location"]) == (400, "chart")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"snippet": {"titel": "x"}}, "Unknown name \"titel\" at 'snippet'"),
        ({"snippet": {"title": 5}}, "Invalid value at 'snippet.title'"),
        ({"status": {"privacyStatus": "secret"}}, "Invalid value at 'status.privacyStatus'"),
        ([], "expected an object"),
    ],
)
def test_a_body_is_held_against_its_schema(http: httpx.Client, token, body: object, said: str):
    answer = http.post("/youtube/v3/playlists?part=snippet,status", json=body, headers=token())
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_a_body_that_is_no_json_is_a_parse_error(http: httpx.Client, token):
    headers = {**token(), "content-type": "application/json"}
    answer = http.post("/youtube/v3/playlists?part=snippet", content=b"{", headers=headers)
    assert (answer.status_code, first(answer)["reason"]) == (400, "parseError")


def test_a_read_only_field_in_a_body_is_tolerated(http: httpx.Client, token):
    body = {"etag": "x", "snippet": {"title": "A list", "publishedAt": "2026-01-01T00:00:00Z"}}
    answer = http.post("/youtube/v3/playlists?part=snippet", json=body, headers=token())
    assert answer.status_code == 200


def test_an_address_that_no_service_has_is_a_page_not_json(http: httpx.Client, token):
    answer = http.get("/youtube/v3/<nothing>", headers=token())
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<nothing>" not in answer.text


def test_the_reporting_api_lists_no_errors(http: httpx.Client, token):
    error = http.get("/v1/jobs?pageSize=many", headers=token("yt-analytics.readonly")).json()["error"]
    assert "errors" not in error
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")


def test_media_is_answered_only_as_media(http: httpx.Client, token):
    answer = http.get("/v1/media/some/report", headers=token("yt-analytics.readonly"))
    assert answer.status_code == 400


def test_a_get_too_long_for_an_address_arrives_as_a_post(http: httpx.Client, token):
    headers = {**token(), "x-http-method-override": "GET"}
    answer = http.post("/youtube/v3/channels", data={"part": "id", "mine": "true"}, headers=headers)
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 1


# What is answered


def test_fields_leaves_only_what_is_asked(http: httpx.Client, token):
    answer = http.get(f"{CHANNELS},snippet&fields=items(id,snippet/title)", headers=token())
    assert answer.status_code == 400  # a comma in `mine` is no boolean
    answer = http.get(
        "/youtube/v3/channels?mine=true&part=id,snippet&fields=items(id,snippet/title)", headers=token()
    )
    assert set(answer.json()) == {"items"}
    assert set(answer.json()["items"][0]) == {"id", "snippet"}
    assert set(answer.json()["items"][0]["snippet"]) == {"title"}


def test_an_unchanged_answer_is_304_and_still_costs(http: httpx.Client, simulator: Simulator, token):
    header = token()
    answer = http.get(CHANNELS, headers=header)
    before = simulator.quota.used("default")
    again = http.get(CHANNELS, headers={**header, "if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert simulator.quota.used("default") == before + 1


def test_answers_are_compressed_for_those_who_ask(http: httpx.Client, token):
    plain = http.get(CHANNELS, headers={**token(), "accept-encoding": "identity"})
    packed = http.get(CHANNELS, headers={**token(), "accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()


# What it costs


@pytest.mark.parametrize(
    ("path", "units"),
    [
        (CHANNELS, 1),
        ("/youtube/v3/channels?part=id&colour=red", 1),
        ("/youtube/v3/captions?part=id&videoId=x&colour=red", 50),
    ],
)
def test_valid_or_not_a_request_costs(http: httpx.Client, simulator: Simulator, token, path: str, units: int):
    before = simulator.quota.used("default")
    http.get(path, headers=token("youtube.force-ssl"))
    assert simulator.quota.used("default") == before + units


def test_a_request_that_nobody_sent_costs_nothing(http: httpx.Client, simulator: Simulator):
    before = simulator.quota.used("default")
    http.get(CHANNELS)
    assert simulator.quota.used("default") == before


def test_a_spent_bucket_refuses(http: httpx.Client, simulator: Simulator, token):
    used = simulator.quota.used("default")
    http.post("/control/quota", json={"used": {"default": 10_000}})
    answer = http.get(CHANNELS, headers=token())
    assert (answer.status_code, first(answer)["domain"]) == (403, "youtube.quota")
    simulator.quota.set_used("default", used)


# Injected faults


def inject(http: httpx.Client, **fault: object) -> None:
    assert http.post("/control/faults", json=fault).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "backendError"}, 503),
        ({"kind": "error", "status": 502}, 502),
        ({"kind": "uploadLimitExceeded"}, 400),
        ({"kind": "html", "status": 403}, 403),
        ({"kind": "empty", "status": 500}, 500),
        ({"kind": "rate"}, 429),
    ],
)
def test_an_injected_error_is_answered_once(http: httpx.Client, token, fault: dict[str, object], status: int):
    inject(http, method="youtube.channels.list", times=1, **fault)
    assert http.get(CHANNELS, headers=token()).status_code == status
    assert http.get(CHANNELS, headers=token()).status_code == 200
    described = http.get("/control/faults").json()["faults"][0]
    assert (described["hits"], described["spent"]) == (1, True)


def test_retry_after_comes_as_seconds_and_as_a_date(http: httpx.Client, token):
    inject(http, kind="backendError", retry_after=120, times=1)
    assert http.get(CHANNELS, headers=token()).headers["retry-after"] == "120"
    inject(http, kind="backendError", retry_after=120, retry_after_form="date", times=1)
    assert http.get(CHANNELS, headers=token()).headers["retry-after"].endswith("GMT")


def test_a_truncated_answer_is_half_an_answer(http: httpx.Client, token):
    inject(http, kind="truncated", times=1)
    answer = http.get(CHANNELS, headers={**token(), "accept-encoding": "identity"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".*"):
        answer.json()


def test_a_damaged_gzip_does_not_unpack(http: httpx.Client, token):
    inject(http, kind="damaged_gzip", times=1)
    with (
        pytest.raises(httpx.DecodingError),
        http.stream("GET", CHANNELS, headers={**token(), "accept-encoding": "gzip"}) as answer,
    ):
        answer.read()


def test_a_dropped_answer_has_taken_effect(http: httpx.Client, simulator: Simulator, token):
    header = token()
    before = simulator.quota.used("default")
    inject(http, kind="drop", method="youtube.playlists.insert", times=1)
    body = {"snippet": {"title": "Made, but nobody heard"}}
    with pytest.raises(httpx.TransportError):
        http.post("/youtube/v3/playlists?part=snippet", json=body, headers=header)
    assert simulator.quota.used("default") == before + 50
    answer = http.get("/youtube/v3/playlists?part=snippet&mine=true&maxResults=50", headers=header)
    assert "Made, but nobody heard" in answer.text


def test_a_connection_cut_midway_leaves_half_an_answer(http: httpx.Client, token):
    inject(http, kind="cut", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
        http.get(CHANNELS, headers={**token(), "accept-encoding": "identity"})


def test_a_reset_connection_answers_nothing(http: httpx.Client, token):
    inject(http, kind="reset", times=1)
    with pytest.raises(httpx.ReadError):
        http.get(CHANNELS, headers=token())


def test_silence_lasts_longer_than_patience(http: httpx.Client, token):
    inject(http, kind="hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        http.get(CHANNELS, headers=token(), timeout=0.3)


def test_a_delay_is_only_a_delay(http: httpx.Client, token):
    inject(http, kind="delay", seconds=0.2, times=1)
    answer = http.get(CHANNELS, headers=token())
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_a_fault_can_hit_the_token_endpoint(http: httpx.Client):
    inject(http, method="oauth.token", kind="invalid_grant", times=1)
    answer = http.post("/token", data={"grant_type": "refresh_token", "refresh_token": "1//x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert http.post("/token", data={}).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("name", "verb", "path"),
    [
        ("oauth.auth", "GET", "/o/oauth2/v2/auth"),
        ("oauth.token", "POST", "/token"),
        ("oauth.revoke", "POST", "/revoke"),
        ("oauth.certs", "GET", "/oauth2/v3/certs"),
        ("hub.subscribe", "POST", "/subscribe"),
        ("upload.session", "PUT", "/upload/youtube/v3/videos?upload_id=x"),
    ],
)
def test_a_fault_can_hit_what_no_document_describes(http: httpx.Client, name: str, verb: str, path: str):
    inject(http, method=name, kind="html", status=599, times=1)
    assert http.request(verb, path).status_code == 599
    assert http.request(verb, path).status_code != 599


def test_a_backend_that_fails_and_a_refusal_have_both_counted(http: httpx.Client, simulator: Simulator, token):
    header = token()
    before = simulator.quota.used("default")
    inject(http, kind="backendError", times=1)
    http.get(CHANNELS, headers=header)
    assert simulator.quota.used("default") == before + 1
    inject(http, kind="quota", times=1)
    http.get(CHANNELS, headers=header)
    assert simulator.quota.used("default") == before + 2


# The control API


def test_the_journal_counts_without_secrets(http: httpx.Client, simulator: Simulator, token):
    http.delete("/control/requests")
    header = token()
    http.get(f"{CHANNELS}&access_token=secret", headers=header)
    http.get(CHANNELS)
    journal = http.get("/control/requests").json()
    assert journal["counts"]["youtube.channels.list"] == {"200": 1, "401": 1}
    assert journal["requests"][0]["channel"].startswith("UC")
    text = str(journal)
    assert "secret" not in text
    assert header["authorization"].split()[1] not in text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/youtube/v3/nothing", "address"),
        (f"{CHANNELS}&colour=red", "colour"),
        ("/youtube/v3/channels?part=id,views&mine=true", "views"),
        (f"{CHANNELS}&hl=de", "hl"),
        ("/youtube/v3/i18nLanguages?part=snippet", "i18nLanguages"),
    ],
)
def test_a_request_that_nobody_should_send_is_written_down_as_a_mistake(
    http: httpx.Client, token, path: str, said: str
):
    http.delete("/control/requests")
    http.get(path, headers=token())
    (mistake,) = http.get("/control/requests").json()["mistakes"]
    assert mistake.startswith(f"GET {path.partition('?')[0]}: ")
    assert said in mistake


def test_a_refusal_that_any_client_may_meet_is_no_mistake(http: httpx.Client, token):
    http.delete("/control/requests")
    http.get(CHANNELS)
    http.get(CHANNELS, headers=token("yt-analytics.readonly"))
    http.get("/youtube/v3/playlistItems?part=id&playlistId=PLnone", headers=token())
    inject(http, kind="badRequest", times=1)
    http.get(CHANNELS, headers=token())
    http.post("/token", data={"client_id": "c", "client_secret": "wrong"})
    assert http.get("/control/requests").json()["mistakes"] == []


def test_a_failure_of_the_simulators_own_is_told_as_its_own(
    http: httpx.Client, simulator: Simulator, token, monkeypatch: pytest.MonkeyPatch
):
    http.delete("/control/requests")
    monkeypatch.setattr(simulator.world, "channel", None)
    answer = http.get(CHANNELS, headers=token())
    assert (answer.status_code, first(answer)["reason"]) == (500, "internalError")
    assert "the simulator itself failed" in http.get("/control/requests").json()["mistakes"][0]


def test_every_secret_ever_issued_is_known(http: httpx.Client, token):
    secret = token()["authorization"].split()[1]
    issued = http.get("/control/issued").json()["issued"]
    assert secret in issued["access_token"]
    assert issued["refresh_token"]
    assert issued["code"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/clock", {"set": "tomorrow"}),
        ("/control/clock", {"set": "2026-11-22T10:00:00"}),
        ("/control/clock", {"forward": 5}),
        ("/control/quota", {"limits": {"wishes": 3}}),
        ("/control/faults", {"kind": "earthquake"}),
        ("/control/consent", {"user": "nobody@example.test"}),
        ("/control/grants", {"action": "forgive"}),
    ],
)
def test_a_control_request_that_makes_no_sense_is_a_400(http: httpx.Client, path: str, body: dict[str, object]):
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_moving_the_clock_tells_the_rooms(http: httpx.Client, simulator: Simulator):
    told: list[str] = []

    def hook() -> None:
        told.append(simulator.clock().isoformat())

    simulator.on_tick.append(hook)
    before = simulator.clock()
    http.post("/control/clock", json={"advance_seconds": 86400})
    simulator.on_tick.remove(hook)
    assert told
    assert 86400 <= (simulator.clock() - before).total_seconds() < 86460


# The app's own sign-in


@pytest.fixture
def verifier(simulator: Simulator) -> TokenVerifier:
    """The verifier that the functions use, for the app's ID tokens."""
    return TokenVerifier(
        issuers=frozenset({f"{simulator.root}/app"}),
        audience="ytempire-app",
        keys=jwt.PyJWKClient(f"{simulator.root}/app/.well-known/jwks.json"),
    )


def app_token(http: httpx.Client, **wishes: object) -> str:
    answer = http.post("/control/id-token", json={"user": "user-7", **wishes})
    answer.raise_for_status()
    return str(answer.json()["id_token"])


def test_an_app_user_has_an_identity_token_that_holds(
    http: httpx.Client, simulator: Simulator, verifier: TokenVerifier
):
    assert verifier.claims(app_token(http), clock=simulator.clock)["sub"] == "user-7"


@pytest.mark.parametrize(
    "forgery",
    [
        {"audience": "somebody-else"},
        {"issuer": "https://accounts.google.com"},
        {"expires_in": -3600},
        {"alg": "none"},
        {"alg": "HS256"},
        {"key": "other"},
        {"key": "impostor"},
    ],
)
def test_a_forged_identity_token_does_not_hold(
    http: httpx.Client, simulator: Simulator, verifier: TokenVerifier, forgery: dict[str, object]
):
    with pytest.raises(NotSignedIn):
        verifier.claims(app_token(http, **forgery), clock=simulator.clock)
