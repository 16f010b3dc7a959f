"""The gateway refuses what Google's front end refuses, and hands on what it hands on."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import ThreadingHTTPServer

import jwt
import pytest

from infra.local.identity import IdentityKey
from tests.pure.gateway.conftest import NOW, PUSH_KEY, Echo, Front


def reason(answer) -> str:
    return answer.json()["error"]["reason"]


class TestPublicAddresses:
    def test_a_declared_path_reaches_its_function_with_path_query_and_body(self, front: Front):
        seen = front.ask("POST", "/hooks/UC%2Bx?a=1&a=2", content=b"\x00\xff").json()
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/hooks/UC%2Bx?a=1&a=2", "\x00\xff")

    @pytest.mark.parametrize(
        "path", ["/", "/op", "/open/", "/open/more", "/hooks/", "/hooks/a/b", "/functions/open"]
    )
    def test_any_other_path_is_not_found(self, front: Front, path):
        answer = front.ask("GET", path)
        assert (answer.status_code, reason(answer)) == (404, "notFound")

    def test_an_answer_comes_back_with_status_and_every_cookie(self, front: Front):
        answer = front.ask("GET", "/hooks/teapot-cookies")
        assert answer.status_code == 418
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]

    def test_the_apps_own_token_is_left_to_the_function(self, front: Front):
        seen = front.ask("GET", "/open", headers={"Authorization": "Bearer a.b.c"}).json()
        assert seen["headers"]["authorization"] == "Bearer a.b.c"

    def test_the_function_learns_who_called_through_whom(self, front: Front):
        seen = front.ask("GET", "/open", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher"})
        headers = seen.json()["headers"]
        assert headers["x-forwarded-for"].startswith("203.0.113.9, 127.0.0.1")
        assert headers["x-forwarded-proto"] == "http"
        assert headers["host"] == "front.test"
        trace, _, rest = headers["x-cloud-trace-context"].partition("/")
        assert len(trace) == 32
        assert rest.endswith(";o=1")

    def test_a_function_that_is_not_there_is_unavailable(self, front: Front):
        answer = front.ask("GET", "/gone")
        assert (answer.status_code, reason(answer)) == (503, "unavailable")

    def test_a_function_that_is_starting_is_waited_for(self, front: Front):
        started = list[ThreadingHTTPServer]()

        def start() -> None:
            started.append(ThreadingHTTPServer(("127.0.0.1", front.gateway.ports["gone"]), Echo))
            started[0].serve_forever(0.02)

        threading.Timer(0.3, start).start()
        assert front.ask("POST", "/gone", content=b"kept").json()["body"] == "kept"
        started[0].shutdown()
        started[0].server_close()

    def test_a_body_beyond_cloud_runs_limit_is_refused(self, front: Front):
        answer = front.ask("POST", "/open", content=b"x" * (32 * 1024 * 1024 + 1))
        assert (answer.status_code, reason(answer)) == (413, "tooLarge")

    @pytest.mark.case("A16")
    def test_a_header_that_is_not_ascii_is_passed_on_as_it_came(self, front: Front):
        headers = [(b"x-title", "é".encode("latin-1")), (b"user-agent", "ü".encode())]
        seen = front.ask("GET", "/open", headers=headers).json()["headers"]
        assert (seen["x-title"], seen["user-agent"]) == ("é", "ü".encode().decode("latin-1"))

    @pytest.mark.case("A16")
    def test_a_second_host_is_refused_as_http_wants_it(self, front: Front):
        answer = front.ask("GET", "/open", headers=[(b"host", b"front.test"), (b"host", b"evil.test")])
        assert (answer.status_code, reason(answer)) == (400, "invalidRequest")


class TestPrivateFunctions:
    def test_a_declared_caller_gets_through_and_its_signature_does_not(self, front: Front):
        given = front.token()
        seen = front.ask("POST", "/functions/work/sub?x=1", headers=given, content=b"{}").json()
        assert seen["path"] == "/sub?x=1"
        head, _, signature = seen["headers"]["authorization"].rpartition(".")
        assert signature == "SIGNATURE_REMOVED_BY_GOOGLE"
        assert given["Authorization"].startswith(head)

    def test_the_bare_address_is_the_functions_root(self, front: Front):
        assert front.ask("GET", "/functions/work", headers=front.token()).json()["path"] == "/"

    @pytest.mark.fault(45)
    def test_no_token_is_refused(self, front: Front):
        answer = front.ask("POST", "/functions/work")
        assert (answer.status_code, reason(answer)) == (401, "notSignedIn")
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.case("A16")
    @pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer  ", "", "Basic x", b"Bearer \xe9.\xe9.\xe9"])
    def test_an_empty_or_odd_bearer_is_no_token(self, front: Front, header):
        answer = front.ask("POST", "/functions/work", headers={"Authorization": header})
        assert (answer.status_code, reason(answer)) == (401, "notSignedIn")

    @pytest.mark.fault(45)
    def test_a_token_for_another_function_is_refused(self, front: Front):
        answer = front.ask("POST", "/functions/work", headers=front.token(function="take"))
        assert answer.status_code == 401

    @pytest.mark.fault(45)
    def test_an_account_that_is_not_declared_is_forbidden(self, front: Front):
        answer = front.ask("POST", "/functions/work", headers=front.token(account="task-queues"))
        assert (answer.status_code, reason(answer)) == (403, "callerNotAllowed")

    @pytest.mark.fault(45)
    def test_an_expired_token_is_refused(self, front: Front):
        answer = front.ask("POST", "/functions/work", headers=front.token(now=NOW - timedelta(hours=2)))
        assert answer.status_code == 401

    @pytest.mark.fault(45)
    @pytest.mark.parametrize("claims", [{"issuer": "https://evil.test"}, {"email_verified": False}])
    def test_another_issuer_or_an_unverified_address_is_refused(self, front: Front, claims):
        assert front.ask("POST", "/functions/work", headers=front.token(**claims)).status_code in {401, 403}

    @pytest.mark.fault(45)
    def test_a_token_of_another_key_is_refused(self, front: Front):
        forger = IdentityKey.generate()
        forger.key_id = front.key.key_id
        forged = Front(front.gateway, forger).token()
        assert front.ask("POST", "/functions/work", headers=forged).status_code == 401

    def test_a_private_function_that_takes_too_long_is_cut_off_at_its_timeout(self, front: Front):
        answer = front.ask("POST", "/functions/work/slow", headers=front.token())
        assert (answer.status_code, reason(answer)) == (504, "deadlineExceeded")


class TestPushes:
    def test_a_push_arrives_at_the_functions_root_with_the_push_identity(self, front: Front):
        seen = front.ask("POST", f"/push/take-it?key={PUSH_KEY}", content=b"{}").json()
        token = seen["headers"]["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert seen["path"] == "/"
        assert claims["email"] == "pubsub-push@p.iam.gserviceaccount.com"
        assert claims["aud"] == "http://front.test/functions/take"

    @pytest.mark.parametrize("query", ["", "?key=", "?key=wrong"])
    @pytest.mark.fault(45)
    def test_only_the_emulator_may_push(self, front: Front, query):
        assert front.ask("POST", f"/push/take-it{query}").status_code == 403

    @pytest.mark.parametrize("name", ["kept", "unknown", "take-it/more"])
    def test_subscriptions_that_push_nowhere_have_no_address(self, front: Front, name):
        assert front.ask("POST", f"/push/{name}?key={PUSH_KEY}").status_code == 404


class TestIdentityAwareProxy:
    def test_a_page_learns_who_looks_at_it_from_a_signed_assertion(self, front: Front):
        headers = front.ask("GET", "/console").json()["headers"]
        claims = jwt.decode(
            headers["x-goog-iap-jwt-assertion"],
            jwt.PyJWK(front.ask("GET", "/iap/verify/public_key-jwk").json()["keys"][0]),
            algorithms=["ES256"],
            audience="/projects/1/global/backendServices/1",
            options={"verify_exp": False, "verify_iat": False},
        )
        assert claims["iss"] == "https://cloud.google.com/iap"
        assert claims["email"] == "operator@example.test"

    @pytest.mark.parametrize("path", ["/console", "/open"])
    @pytest.mark.parametrize("name", ["X-Goog-IAP-JWT-Assertion", "x-goog-authenticated-user-email"])
    def test_nobody_brings_an_assertion_of_his_own(self, front: Front, path, name):
        answer = front.ask("GET", path, headers={name: "me"})
        assert (answer.status_code, reason(answer)) == (400, "invalidRequest")


def test_routes_are_logged_and_no_paths_and_queries_that_carry_tokens_codes_and_states(front: Front, capsys):
    front.ask("GET", "/open?code=canary-code&state=canary-state")
    front.ask("GET", "/nowhere/canary-token")
    front.ask("GET", "/hooks/canary-token")
    logged = capsys.readouterr().out
    assert "/hooks/{channel}" in logged
    assert "canary" not in logged
