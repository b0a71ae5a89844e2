"""Jobs held by macOS's own sandbox. Written from its documentation and never tried on a Mac.

So ``probe`` never says that it holds, and nothing falls back to it; the profile is tested as text
alone. In a profile the last rule that matches wins, which is why the order of the parts below
counts. Only literal paths and whole subtrees are named, never patterns: a bracket in a folder's
name must stay a bracket.

As with landlock nothing is mounted and there is no namespace of processes: other processes are
seen, and what detaches from the job lives on until it is found.
"""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.sandboxes import in_place
from orchestrator.sandboxes.enclosure import Cover
from orchestrator.sandboxes.toolchain import tool_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from orchestrator.sandboxes.enclosure import Bounds, Enclosure, Network
    from orchestrator.supervision.job import Job

_PROGRAM = "/usr/bin/sandbox-exec"

_OTHERS = (
    "/Users",
    "/Volumes",
    "/Network",
    "/private/tmp",
    "/private/var/folders",
    "/private/var/root",
)
"""Where people's and other programs' files lie; the rest of a Mac is readable, as it is to all."""

_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/fd")
_SERVICES = (
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.logger",
    "com.apple.system.notification_center",
)
_BLOCK = 512  # in which ulimit counts the size of a file


class Seatbelt:
    """Confines by ``sandbox-exec``."""

    name = "seatbelt"
    confines = True
    covers = False

    def objects_at(self, objects: Path) -> Path:
        return objects

    async def make_over(self, enclosure: Enclosure) -> None:
        """Jobs are the user's own: nothing is to be made over."""

    def wrap(self, job: Job, enclosure: Enclosure) -> Job:
        in_place.refuse_covers(enclosure)
        real = resolved(enclosure)
        tools = [path.resolve() for path in tool_paths(job.env)]
        text = profile(real, tools=tools, ports=in_place.proxy_ports(job.env, real))
        argv = (_PROGRAM, "-p", text, *_limited(real.bounds), *job.argv)
        return replace(job, argv=argv, env=in_place.environment(job.env, real))

    def network(self, ports: tuple[int, ...]) -> AbstractAsyncContextManager[Network]:
        return in_place.machines_network(ports)

    async def probe(self) -> str:
        if platform.system() != "Darwin":
            return "sandbox-exec is of macOS only"
        return "the profile for sandbox-exec was never tried on a Mac"


def resolved(enclosure: Enclosure) -> Enclosure:
    """The same with the names that the kernel judges by: /tmp is a link on every Mac."""
    return replace(
        enclosure,
        home=enclosure.home and enclosure.home.resolve(),
        writable=tuple(path.resolve() for path in enclosure.writable),
        readable=tuple(path.resolve() for path in enclosure.readable),
        fixed=tuple(path.resolve() for path in enclosure.fixed),
        covers=tuple(
            Cover(cover.place.resolve(), cover.source.resolve(), cover.writable)
            for cover in enclosure.covers
        ),
        door=enclosure.door and enclosure.door.resolve(),
    )


def profile(enclosure: Enclosure, *, tools: Sequence[Path] = (), ports: Sequence[int] = ()) -> str:
    """The rules that hold a job to ``enclosure``, whose paths are resolved."""
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            *_own_affairs(),
            *_reading(enclosure, tools),
            *_writing(enclosure),
            *_network(enclosure, ports),
            "",
        )
    )


def quoted(text: str) -> str:
    """A string of the profile's language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _own_affairs() -> Iterator[str]:
    yield "(allow process-exec process-fork)"
    yield "(allow signal (target same-sandbox))"
    yield "(allow process-info* (target same-sandbox))"
    yield "(allow sysctl-read)"
    yield "(allow ipc-posix-sem)"
    yield from _rule("allow mach-lookup", "global-name", _SERVICES)


def _reading(enclosure: Enclosure, tools: Sequence[Path]) -> Iterator[str]:
    mine = (*tools, *enclosure.roots, *in_place.lent(enclosure))
    yield "(allow file-read*)"
    yield from _rule("deny file-read*", "subpath", _OTHERS)
    yield from _rule("allow file-read*", "subpath", mine)
    yield from _rule("allow file-read-metadata", "literal", _above(mine))


def _writing(enclosure: Enclosure) -> Iterator[str]:
    yield from _rule("allow file-write-data", "literal", _DEVICES)
    yield from _rule("allow file-write*", "subpath", enclosure.roots)
    yield from _rule("deny file-write*", "subpath", (*enclosure.fixed, *in_place.lent(enclosure)))
    yield from _rule("deny file-write-unlink", "literal", _above_within(enclosure))


def _network(enclosure: Enclosure, ports: Sequence[int]) -> Iterator[str]:
    yield "(deny network*)"
    for port in ports:
        yield f'(allow network-outbound (remote ip "localhost:{port}"))'
    for port in in_place.met_ports(enclosure):
        yield f'(allow network-outbound (remote ip "localhost:{port}"))'
        yield f'(allow network-bind network-inbound (local ip "localhost:{port}"))'
    if enclosure.door is not None:
        yield from _rule("allow network-outbound", "literal", (enclosure.door,))


def _above(paths: Iterable[Path]) -> list[Path]:
    """The folders on the way to ``paths``, which programs look at when they resolve a name."""
    return sorted({above for path in paths for above in path.parents})


def _above_within(enclosure: Enclosure) -> list[Path]:
    """Writable folders that hold something fixed: moved away, another could take their place."""
    return [
        above
        for above in _above(enclosure.fixed)
        if any(above.is_relative_to(root) for root in enclosure.roots)
    ]


def _rule(verdict: str, kind: str, names: Iterable[Path | str]) -> Iterator[str]:
    """One rule; none where it would name nothing, since that one matches everything."""
    filters = " ".join(f"({kind} {quoted(str(name))})" for name in names)
    if filters:
        yield f"({verdict} {filters})"


def _limited(bounds: Bounds) -> tuple[str, ...]:
    blocks = bounds.file_bytes // _BLOCK
    limits = f"ulimit -c 0 && ulimit -n {bounds.open_files} && ulimit -f {blocks}"
    return ("/bin/sh", "-c", f'{limits} && mkdir -p "${{TMPDIR:-/}}" && exec "$@"', "sh")
