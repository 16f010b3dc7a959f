import contextlib
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.process import LOOPBACK
from shared.errors import Misconfigured, Unavailable
from shared.settings import Settings
from shared.tokens.google_oauth import GoogleOAuth, OAuthClient, challenge
from shared.vault.secret import Secret
from shared.youtube.transport import Http


def google(root):
    settings = Settings(
        project="test",
        app_url="https://app.ytempire.com",
        api_url="https://api.ytempire.com",
        id_token_issuer="https://app.ytempire.com",
        id_token_audience="ytempire",
        id_token_keys_url="https://app.ytempire.com/keys",
        oauth_token_url=f"{root}/token",
        oauth_revoke_url=f"{root}/revoke",
    )
    return GoogleOAuth(
        settings, lambda: OAuthClient("id", Secret("s3cret")), lambda: datetime(2026, 11, 22, tzinfo=UTC)
    )


SENT = {
    "code": lambda oauth: oauth.exchange(
        Secret("4/0A"), verifier=Secret("v" * 43), redirect_uri="https://app/callback"
    ),
    "refresh token": lambda oauth: oauth.refresh(Secret("1//0")),
    "revoked token": lambda oauth: oauth.revoke(Secret("1//0")),
}


@pytest.fixture
def elsewhere(monkeypatch):
    """A server that sends everybody on to another one: (its root, the status, what reached the other one)."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # oauthlib's own switch for http on loopback
    with contextlib.ExitStack() as stack:

        def serve(answer):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    self.rfile.read(int(self.headers.get("content-length", 0)))
                    answer(self)

                def do_POST(self):
                    self.do_GET()

                def log_message(self, *_):
                    pass

            server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://{LOOPBACK}:{server.server_port}"

        reached = []

        def stranger(request):
            reached.append(request.path)
            request.send_response(200)
            request.end_headers()

        def sending_on(status):
            def answer(request):
                request.send_response(status)
                request.send_header("Location", f"{address}{request.path}")
                request.send_header("Content-Length", "0")
                request.end_headers()

            return serve(answer)

        address = serve(stranger)
        yield sending_on, reached


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("send", SENT.values(), ids=SENT)
def test_no_code_and_no_token_follows_a_redirect_of_google_s_endpoints(elsewhere, send, status):
    sending_on, reached = elsewhere
    with pytest.raises(Unavailable):
        send(google(sending_on(status)))
    assert reached == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_access_token_follows_a_redirect_of_the_api(elsewhere, status):
    sending_on, reached = elsewhere
    http = Http("ya29")
    http.request(f"{sending_on(status)}/youtube/v3/channels", "GET", None, {})
    assert (http.status, reached) == (status, [])


@pytest.mark.parametrize("send", SENT.values(), ids=SENT)
def test_no_code_and_no_token_travels_in_the_clear(send):
    with pytest.raises(Misconfigured) as refused:
        send(google("http://token.example"))
    assert refused.value.reason == "insecureTransport"


def test_the_challenge_is_the_one_of_rfc_7636():
    """Appendix B's example."""
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
