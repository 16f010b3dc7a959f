"""What the simulator is started with, and what it says to nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.simulator.__main__ import parser


@pytest.mark.parametrize(
    "nonsense",
    [
        ("--port", "99999"),
        ("--users", "0"),
        ("--users", "many"),
        ("--channels-per-user", "1000000"),
        ("--limit", "wishes=3"),
        ("--limit", "default=-3"),
        ("--client", "/nowhere/client.json"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_flag(
    nonsense: tuple[str, str], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        parser().parse_args(["--port", "9010", *nonsense])
    assert f"argument {nonsense[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"web": {"client_id": 5}}'])
def test_a_file_without_an_oauth_client_is_refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "client.json"
    file.write_text(text)
    with pytest.raises(SystemExit):
        parser().parse_args(["--port", "9010", "--client", str(file)])
    assert "holds no OAuth client" in capsys.readouterr().err


def test_a_client_is_read_as_googles_console_offers_it(tmp_path: Path):
    file = tmp_path / "client.json"
    web = {"client_id": "c", "client_secret": "s", "redirect_uris": ["https://app.example.test/callback"]}
    file.write_text(json.dumps({"web": web}))
    (client,) = parser().parse_args(["--port", "9010", "--client", str(file)]).client
    assert (client.client_id, client.redirect_uris) == ("c", ("https://app.example.test/callback",))
