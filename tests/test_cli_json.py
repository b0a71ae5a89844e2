"""What programs read, and people on a terminal may see."""

import json

import pytest

from orchestrator.cli.connection import print_json, print_json_line


def test_json_is_ascii_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Characters stand in JSON that a terminal obeys, such as the one-byte escape."""
    for show in (print_json, print_json_line):
        show('{"told": "\x9b31m ä \u202e"}')
        told = capsys.readouterr().out
        assert told.isascii()
        assert json.loads(told) == {"told": "\x9b31m ä \u202e"}
