"""`python -m infra.local.gateway`: serve the gateway on one port of 127.0.0.1."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import jwt
import uvicorn

from infra.deployment import deployment
from infra.local.gateway.app import Gateway
from infra.local.gateway.iap import IdentityAwareProxy
from infra.local.identity import IdentityKey
from infra.local.process import LOOPBACK
from shared.clock import system_clock
from shared.settings import settings


def main() -> None:
    """Serve until told to end. The push key comes by environment: command lines can be read by everyone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--functions", type=json.loads, required=True, help='{"name": port, ...}')
    parser.add_argument("--identity-key", type=Path, required=True)
    parser.add_argument("--keys-url", required=True, help="Google's certificates, as the simulator serves them")
    parser.add_argument("--iap-audience", required=True)
    parser.add_argument("--observed", type=Path, help="a folder in which to note who calls what")
    given = parser.parse_args()
    gateway = Gateway(
        declared=deployment(),
        settings=settings(),
        ports=given.functions,
        identity=IdentityKey.load_or_create(given.identity_key),
        keys=jwt.PyJWKClient(given.keys_url, timeout=5),
        iap=IdentityAwareProxy.load_or_create(given.identity_key.with_name("iap.pem")),
        iap_audience=given.iap_audience,
        push_key=os.environ["GATEWAY_PUSH_KEY"],
        clock=system_clock,
        observed=given.observed,
    )
    uvicorn.run(
        gateway.app(),
        host=LOOPBACK,
        port=given.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
