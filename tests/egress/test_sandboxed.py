"""Real clients in a real network namespace, whose only way out is ours."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import anyio
import pytest
from egress.conftest import PORT, Service, client, sandboxed, session

from orchestrator.egress import destination
from orchestrator.gateway import Gateway

pytestmark = pytest.mark.anyio


async def test_curl_reaches_what_is_listed_and_nothing_else(
    tmp_path: Path, service: Service, tls_service: Service, authority
):
    curl = client("curl")
    allowed = f"localhost:{tls_service.port}", f"localhost:{service.port}"
    async with session(tmp_path, *allowed) as way:
        known = ("--cacert", str(authority[1]))
        good = await way.inside(curl, "-sS", *known, f"{tls_service.url}/a")
        plain = await way.inside(curl, "-sS", "-d", "abc", f"{service.url}/b")
        bad = await way.inside(curl, "-sS", "https://example.org/")
        direct = await way.inside(
            curl, "-sS", "--noproxy", "*", f"http://127.0.0.1:{service.port}/"
        )
    assert (good.returncode, good.stdout) == (0, "hello from /a ")
    assert (plain.returncode, plain.stdout) == (0, "hello from /b abc")
    assert bad.returncode == 56
    assert "403" in bad.stderr
    assert direct.returncode == 7
    assert way.refused == ["example.org"]


async def test_python_is_told_the_mend(tmp_path: Path, service: Service):
    fetch = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read())"
    async with session(tmp_path, f"localhost:{service.port}") as way:
        good = await way.inside(sys.executable, "-c", fetch, f"{service.url}/a")
        bad = await way.inside(sys.executable, "-c", fetch, "https://example.org/")
    assert good.stdout == "b'hello from /a '\n"
    assert "needs.network" in bad.stderr


async def test_node_reaches_what_is_listed(tmp_path: Path, service: Service):
    script = """
        const [proxy, url] = process.argv.slice(1);
        const {hostname, port} = new URL(proxy);
        require('http').get({host: hostname, port, path: url, agent: false}, answer => {
            let told = answer.statusCode + ' ';
            answer.on('data', chunk => told += chunk).on('end', () => console.log(told));
        });"""
    async with session(tmp_path, f"localhost:{service.port}") as way:
        proxy = f"http://127.0.0.1:{PORT}"
        good = await way.inside(client("node"), "-e", script, proxy, f"{service.url}/a")
    assert good.stdout.strip() == "200 hello from /a"


async def test_git_clones_through_a_tunnel(tmp_path: Path, tls_service: Service, authority):
    """A dumb clone: git asks for files, and the service hands them out."""
    git = client("git")
    source = tmp_path / "source"
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for command in (
        ("init", "-q", "-b", "main", str(source)),
        ("-C", str(source), *who, "commit", "-q", "--allow-empty", "-m", "first"),
        ("-C", str(source), "update-server-info"),
    ):
        await anyio.run_process([git, *command], env={"PATH": os.environ["PATH"]})

    tls_service.files |= {
        f"/repo.git/{path.relative_to(source / '.git')}": path.read_bytes()
        for path in (source / ".git").rglob("*")
        if path.is_file()
    }
    async with session(tmp_path, f"localhost:{tls_service.port}") as way:
        env = {"GIT_SSL_CAINFO": str(authority[1]), "GIT_CONFIG_GLOBAL": "/dev/null"}
        copy = tmp_path / "copy"
        done = await way.inside(git, "clone", "-q", f"{tls_service.url}/repo.git", str(copy), **env)
        other = await way.inside(git, "ls-remote", "https://example.org/repo.git", **env)
    assert done.returncode == 0, done.stderr
    assert (copy / ".git" / "refs" / "heads" / "main").is_file()
    assert "403" in other.stderr


@pytest.mark.slow
async def test_npm_fetches_a_package(tmp_path: Path, service: Service):
    version = {"name": "left", "version": "1.0.0"}
    about = {"name": "left", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    service.files["/left"] = json.dumps(about).encode()
    async with session(tmp_path, f"localhost:{service.port}") as way:
        home = {"HOME": str(tmp_path), "npm_config_update_notifier": "false"}
        view = (client("npm"), "view", "--registry", service.url, "left", "version")
        done = await way.inside(*view, **home)
    assert done.stdout.strip() == "1.0.0", done.stderr
    assert service.asked


async def test_there_is_no_other_way_out(tmp_path: Path, service: Service):
    tries = f"""
import socket
for name, try_ in {{
    'loopback': lambda: socket.create_connection(('127.0.0.1', {service.port}), 2),
    'outside': lambda: socket.create_connection(('93.184.215.14', 443), 2),
    'dns': lambda: socket.getaddrinfo('example.org', 443),
    'udp': lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53)),
    'abstract': lambda: socket.socket(socket.AF_UNIX).connect('\\0clerk-test'),
}}.items():
    try:
        try_()
        print('reached', name)
    except OSError:
        print('refused', name)
"""
    async with session(tmp_path) as way:
        done = await way.inside(sys.executable, "-c", tries)
    assert done.stdout.split("\n")[:5] == [
        f"refused {name}" for name in ("loopback", "outside", "dns", "udp", "abstract")
    ]


async def test_the_gateway_is_asked_directly(tmp_path: Path, service: Service):
    given = Gateway("MODEL_URL", service.url, {"x-api-key": "sk-made-up"}, {"KEY": "kept"})
    async with session(tmp_path, gateway=given) as way:
        line = f'{client("curl")} -sS -H "x-api-key: $KEY" "$MODEL_URL/v1/messages"'
        done = await way.inside("/bin/sh", "-c", f"{line}; env; cat /proc/1/environ")
    assert done.stdout.startswith("hello from /v1/messages")
    assert service.asked[0][2]["x-api-key"] == "sk-made-up"
    assert "sk-made-up" not in done.stdout + way.log.read_text()


async def test_the_launcher_becomes_its_command(tmp_path: Path):
    async with session(tmp_path) as way:
        told = "import os, signal; print(sorted(os.listdir('/proc/self/fd')), os.environ['MARK'])"
        shell = 'kill -PIPE $$; echo "alive"'
        fds = await way.inside(sys.executable, "-S", "-c", told, MARK="here")
        pipe = await way.inside("/bin/sh", "-c", shell)
        lost = await way.inside("/no/such/command")
        busy = await way.inside("/dev/null")
    assert fds.stdout == "['0', '1', '2', '3'] here\n"
    assert (pipe.returncode, pipe.stdout) == (128 + signal.SIGPIPE, "")
    assert (lost.returncode, lost.stderr) == (127, "clerk: /no/such/command: not found\n")
    assert busy.returncode == 126


async def test_without_a_way_out_the_command_does_not_start(tmp_path: Path):
    async with session(tmp_path) as way:
        pass
    done = await way.inside("/bin/echo", "started")
    assert (done.returncode, done.stdout) == (125, "")
    assert "could not be reached" in done.stderr


async def test_a_public_address_of_this_machine_is_inside(tmp_path: Path):
    """A machine in the internet: in a namespace whose loopback bears such an address."""
    script = """
import fcntl, ipaddress, socket, struct
from orchestrator.egress.destination import is_inside
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
    address = struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton('93.184.215.14'))
    fcntl.ioctl(any_, 0x8916, struct.pack('16s16s', b'lo:1', address))  # SIOCSIFADDR
print(is_inside(ipaddress.ip_address('93.184.215.14')))
print(is_inside(ipaddress.ip_address('8.8.8.8')))
"""
    powers = ("--unshare-user", "--uid", "0", "--cap-add", "CAP_NET_ADMIN")
    own = {"PYTHONPATH": str(Path(destination.__file__).parents[2]), "PATH": os.environ["PATH"]}
    python = [sys.executable, "-c", script]
    done = await anyio.run_process([*sandboxed(*powers), *python], env=own, check=False)
    assert done.stdout.decode() == "True\nFalse\n", done.stderr.decode()


async def test_a_launcher_that_is_one_too_many_starts_nothing(tmp_path: Path):
    async with session(tmp_path) as way:
        for _ in range(4):
            await way.listening()
        done = await way.inside("/bin/echo", "started")
    assert (done.returncode, done.stdout) == (125, "")
