"""A log record is one line of JSON, whatever is in it."""

import json

import pytest

from shared.monitoring.log import log


@pytest.mark.parametrize("text", ["half a character: \ud83d", "two\nlines", "Ünïcödé \u2028 and \x00", "日本語"])
def test_every_text_is_one_line_that_reads_as_it_was(capsys, text):
    log("INFO", text, title=text)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    found = json.loads(out)
    assert (found["message"], found["title"]) == (text, text)
