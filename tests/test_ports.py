"""Ports: lent once, free, given back."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from orchestrator.errors import CannotRun
from orchestrator.verification.ports import LENT, Ports

HOLD = """
import sys
from orchestrator.verification.ports import Ports
with Ports(range(int(sys.argv[1]), int(sys.argv[1]) + 1)).lend(["web"]) as lent:
    print(lent["web"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def free() -> int:
    """A port that nobody uses now, and that no engine lends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_no_port_is_lent_twice_at_a_time():
    ports = Ports()
    with ports.lend(["web", "db"]) as one, ports.lend(["web", "db"]) as other:
        lent = [*one.values(), *other.values()]
        assert len(set(lent)) == 4
        assert set(lent) <= set(LENT)


def test_a_port_is_given_back_whatever_happened(free):
    ports = Ports([free])
    with pytest.raises(ZeroDivisionError), ports.lend(["web"]):
        1 / 0  # noqa: B018
    with ports.lend(["web"]) as lent:
        assert lent == {"web": free}


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_port_at_which_somebody_listens_is_not_lent(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(CannotRun, match="no port is free"), Ports([taken]).lend(["web"]):
            pass


def test_a_port_is_not_lent_while_another_engine_lends_it_and_free_when_that_is_killed(free):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(free)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout.readline().strip() == str(free).encode()
        with pytest.raises(CannotRun), Ports([free]).lend(["web"]):
            pass
        other.kill()
        other.wait()
        with Ports([free]).lend(["web"]) as lent:
            assert lent == {"web": free}


def test_what_was_lent_before_all_were_taken_is_given_back(free):
    ports = Ports([free])
    with pytest.raises(CannotRun), ports.lend(["web", "db"]):
        pass
    with ports.lend(["web"]) as lent:
        assert lent == {"web": free}
