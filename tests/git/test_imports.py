"""What a sandbox hands over is let in whole and clean, or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.errors import GitError
from orchestrator.git.imports import QUARANTINE
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Session:
    """A private repository beside the real one, whose objects it borrows, as an agent has it."""

    host: object
    own: object

    @classmethod
    def of(cls, host, new_sample, *, object_format="sha1"):
        own = new_sample(host.path.parent / "private", object_format=object_format)
        alternates = own.path / ".git/objects/info/alternates"
        alternates.write_text(f"{host.path}/.git/objects\n")
        own.git("reset", "-q", "--hard", host.head)
        return cls(host, own)

    @property
    def base(self):
        return self.host.head

    def literally(self, kind, content):
        """An object of whatever content, which git itself would refuse to make."""
        argv = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
        done = subprocess.run(
            argv, cwd=self.own.path, input=content, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def committing(self, *entries):
        """A commit on the base whose tree holds exactly ``entries``: mode, name and oid."""
        rows = [mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries]
        tree = self.literally("tree", b"".join(rows))
        return self.own.git("commit-tree", "-p", self.base, "-m", "hostile", tree)

    def blob(self, content=b"x"):
        return self.literally("blob", content)

    def pack(self, *tips):
        """What the engine carries over: everything the tips have beyond the base."""
        return self._pack([*tips, f"^{self.base}"], "--revs", "--thin")

    def pack_of(self, oids):
        """These very objects, whole or not."""
        return self._pack(oids)

    def _pack(self, wanted, *how):
        done = subprocess.run(
            ["git", "pack-objects", "--stdout", "-q", *how],
            cwd=self.own.path,
            input="".join(f"{one}\n" for one in wanted).encode(),
            capture_output=True,
            check=True,
        )
        return self.file(done.stdout)

    def file(self, content):
        path = self.host.path.parent / "handed.pack"
        path.write_bytes(content)
        return path


@pytest.fixture
def session(sample, new_sample):
    return Session.of(sample, new_sample)


def objects_of(sample):
    """Every file of the object folder, by which a trace would show."""
    folder = sample.path / ".git/objects"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_a_sessions_commits_come_in_as_they_are(session, opened):
    mine = session.own.commit({"new.txt": "n\n", "a.txt": "one\ntwo\n"}, "work")
    taken = await opened.imports.take(session.pack(mine), [mine], session.base)
    assert taken == type(taken)()
    assert session.host.git("log", "-1", "--format=%s", mine) == "work"
    assert session.host.git("fsck", "--strict", "--no-dangling") == ""
    assert not [name for name in objects_of(session.host) if QUARANTINE in name]
    assert (await opened.objects.commit(mine)).subject == "work"


async def test_nothing_new_needs_no_pack(session, opened):
    before = objects_of(session.host)
    taken = await opened.imports.take(session.pack(session.base), [session.base], session.base)
    assert not taken.refused
    assert objects_of(session.host) == before


async def test_the_same_pack_twice_changes_nothing_more(session, opened):
    mine = session.own.commit({"new.txt": "n\n"})
    pack = session.pack(mine)
    await opened.imports.take(pack, [mine], session.base)
    before = objects_of(session.host)
    assert not (await opened.imports.take(pack, [mine], session.base)).refused
    assert objects_of(session.host) == before


MODULES = b'[submodule "x"]\n\tpath = x\n\turl = -uevil\n'
HOSTILE = {
    "dot git": lambda s: [(b"40000", b".git", s.literally("tree", b""))],
    "DOT GIT": lambda s: [(b"40000", b".GIT", s.literally("tree", b""))],
    "short name of dot git": lambda s: [(b"40000", b"git~1", s.literally("tree", b""))],
    "dot git with what HFS ignores": lambda s: [(b"100644", b".g\xe2\x80\x8cit", s.blob())],
    "dot git with what NTFS cuts": lambda s: [(b"100644", b".git. .", s.blob())],
    "dot git as a stream": lambda s: [(b"100644", b".git::$INDEX_ALLOCATION", s.blob())],
    "dot": lambda s: [(b"40000", b".", s.literally("tree", b""))],
    "dot dot": lambda s: [(b"40000", b"..", s.literally("tree", b""))],
    "a slash in a name": lambda s: [(b"100644", b"a/b", s.blob())],
    "no name": lambda s: [(b"100644", b"", s.blob())],
    "a name twice": lambda s: [(b"100644", b"a", s.blob()), (b"100644", b"a", s.blob(b"y"))],
    "no order": lambda s: [(b"100644", b"b", s.blob()), (b"100644", b"a", s.blob())],
    "modules with an option as address": lambda s: [(b"100644", b".gitmodules", s.blob(MODULES))],
    "modules as a link": lambda s: [(b"120000", b".gitmodules", s.blob(b"a"))],
    "a padded mode": lambda s: [(b"0100644", b"a", s.blob())],
    "no object": lambda s: [(b"100644", b"a", "0" * 40)],
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_git_calls_hostile_is_refused_and_leaves_no_trace(session, opened, name):
    tip = session.committing(*HOSTILE[name](session))
    before = objects_of(session.host)
    taken = await opened.imports.take(session.pack_of(made_in(session)), [tip], session.base)
    assert "git refuses what the session made: error: " in taken.refused
    assert objects_of(session.host) == before


def made_in(session):
    """The oids of all objects that the session's own folder holds, whole or not."""
    folder = session.own.path / ".git/objects"
    return [path.parent.name + path.name for path in folder.glob("??/*")]


ACCEPTED_BY_GIT = {
    "a link to everywhere": lambda s: [(b"120000", b"l", s.blob(b"/etc/passwd"))],
    "a link out": lambda s: [(b"120000", b"l", s.blob(b"../../x"))],
    "a repository": lambda s: [(b"160000", b"lib", s.base)],
    "a newline": lambda s: [(b"100644", b"a\nb", s.blob())],
    "an escape": lambda s: [(b"100644", b"a\x1b[2Jb", s.blob())],
    "text turned around": lambda s: [(b"100644", "\u202etxt.a".encode(), s.blob())],
    "case twins": lambda s: [(b"100644", b"A", s.blob()), (b"100644", b"a", s.blob())],
    "attributes as a link": lambda s: [(b"120000", b".gitattributes", s.blob(b"a"))],
    "too long a name": lambda s: [(b"100644", b"n" * 256, s.blob())],
}


@pytest.mark.parametrize("name", ACCEPTED_BY_GIT)
async def test_what_git_lets_pass_the_policy_refuses(session, opened, name):
    tip = session.committing(*ACCEPTED_BY_GIT[name](session))
    before = objects_of(session.host)
    taken = await opened.imports.take(session.pack(tip), [tip], session.base)
    assert taken.refused.startswith("'")
    assert taken.refused.isprintable()
    assert objects_of(session.host) == before


async def test_what_only_hurts_elsewhere_comes_in_with_a_warning(session, opened):
    tip = session.own.commit({"aux.txt": "x\n"})
    taken = await opened.imports.take(session.pack(tip), [tip], session.base)
    assert taken.warnings == ("'aux.txt' cannot be checked out on Windows",)
    assert session.host.git("cat-file", "-t", tip) == "commit"


async def test_a_missing_object_is_refused(session, opened):
    tip = session.own.commit({"one.txt": "1\n", "two.txt": "2\n"})
    blob = session.own.git("rev-parse", f"{tip}:two.txt")
    tree = session.own.git("rev-parse", f"{tip}^{{tree}}")
    before = objects_of(session.host)
    one = session.own.git("rev-parse", f"{tip}:one.txt")
    taken = await opened.imports.take(session.pack_of([tip, tree, one]), [tip], session.base)
    assert blob in taken.refused
    assert objects_of(session.host) == before
    unknown = await opened.imports.take(session.file(b""), ["f" * 40], session.base)
    assert "is not whole" in unknown.refused


async def test_too_much_is_refused_before_it_is_kept(session, opened):
    noise = os.urandom(4000).hex()
    tip = session.own.commit({"noise.txt": noise})
    pack = session.pack(tip)
    before = objects_of(session.host)
    taken = await opened.imports.take(pack, [tip], session.base, max_bytes=1000)
    assert taken.refused.endswith("it has more than 1000 bytes")
    taken = await opened.imports.take(pack, [tip], session.base, max_blob_bytes=1000)
    assert "files of more than 1000 bytes" in taken.refused
    assert objects_of(session.host) == before


async def test_a_file_that_was_too_big_and_is_gone_again_is_still_in_the_history(session, opened):
    session.own.commit({"big": "0" * 5000})
    session.own.git("rm", "-q", "big")
    tip = session.own.commit({"small": "x"})
    taken = await opened.imports.take(session.pack(tip), [tip], session.base, max_blob_bytes=1000)
    assert "its history must be made anew" in taken.refused


@pytest.mark.parametrize("damage", [b"", b"PACK", b"no pack at all", bytes(500)])
async def test_what_is_no_pack_is_refused(session, opened, damage):
    tip = session.own.commit({"new.txt": "n\n"})
    taken = await opened.imports.take(session.file(damage), [tip], session.base)
    assert taken.refused


async def test_a_cut_or_altered_pack_is_refused(session, opened):
    tip = session.own.commit({"new.txt": "n\n"})
    whole = session.pack(tip).read_bytes()
    altered = whole[:30] + bytes([whole[30] ^ 1]) + whole[31:]
    for content in (whole[:-5], altered):
        taken = await opened.imports.take(session.file(content), [tip], session.base)
        assert "git refuses what the session made" in taken.refused


@pytest.mark.parametrize("tip", ["HEAD", "--all", "", "refs/heads/main", "\x1b" + "1" * 39])
async def test_a_tip_is_a_full_id_and_nothing_else(session, opened, tip):
    taken = await opened.imports.take(session.file(b""), [tip], session.base)
    assert "is no commit's id" in taken.refused


async def test_one_bad_tip_keeps_all_of_them_out(session, opened):
    good = session.own.commit({"new.txt": "n\n"})
    bad = session.committing(*ACCEPTED_BY_GIT["a link out"](session))
    pack = session.pack(good, bad)
    before = objects_of(session.host)
    assert (await opened.imports.take(pack, [good, bad], session.base)).refused
    assert objects_of(session.host) == before


async def test_a_full_disk_is_not_the_sessions_fault(session, opened, monkeypatch):
    tip = session.own.commit({"new.txt": "n\n"})
    pack, run = session.pack(tip), opened.git.run

    async def full(*args, **more):
        answer = await run(*args, **more)
        if args[0] != "index-pack":
            return answer
        said = f"fatal: write error: {os.strerror(errno.ENOSPC)}\n".encode()
        return type(answer)(128, b"", said)

    monkeypatch.setattr(opened.git, "run", full)
    with pytest.raises(GitError, match="No space left"):
        await opened.imports.take(pack, [tip], session.base)
    assert not [name for name in objects_of(session.host) if QUARANTINE in name]


async def test_a_quarantine_that_a_crash_left_is_swept(session, opened):
    left = session.host.path / ".git/objects" / f"{QUARANTINE}1" / "pack"
    left.mkdir(parents=True)
    (left / "tmp_pack_x").write_bytes(b"half")
    assert session.host.git("fsck") == ""
    assert await opened.repair() == (f"removed an unfinished import, {QUARANTINE}1",)
    assert not left.parent.exists()
    assert await opened.repair() == ()


async def test_no_gc_takes_an_import_before_a_ref_holds_it(session, opened):
    mine = session.own.commit({"new.txt": "n\n"}, "work")
    taken = await opened.imports.take(session.pack(mine), [mine], session.base)
    session.host.git("gc", "-q", "--prune=now")
    await opened.refs.hold("refs/clerk/keep/p/t/1", mine)
    opened.imports.release(taken)
    session.host.git("gc", "-q", "--prune=now")
    assert session.host.git("show", f"{mine}:new.txt") == "n"
    assert not [name for name in objects_of(session.host) if name.endswith(".keep")]


async def test_a_released_import_that_nothing_holds_is_garbage(session, opened):
    mine = session.own.commit({"new.txt": "n\n"})
    opened.imports.release(await opened.imports.take(session.pack(mine), [mine], session.base))
    session.host.git("gc", "-q", "--prune=now")
    assert not session.host.git("cat-file", "-t", mine, ok=False)


async def test_a_guard_that_a_crash_left_is_swept_and_the_users_own_is_not(session, opened):
    mine = session.own.commit({"new.txt": "n\n"})
    taken = await opened.imports.take(session.pack(mine), [mine], session.base)
    folder = session.host.path / ".git/objects/pack"
    own = folder / f"pack-{'1' * 40}.keep"
    own.write_text("")
    assert await opened.repair() == (f"removed an unfinished import, {taken.pack}.keep",)
    assert list(folder.glob("*.keep")) == [own]


def enter(path: Path):
    return OpenRepository(Repository.discover(path))


async def test_a_sha256_repository_takes_packs_too(new_sample, tmp_path):
    host = new_sample(tmp_path / "long", object_format="sha256")
    session = Session.of(host, new_sample, object_format="sha256")
    tip = session.own.commit({"new.txt": "n\n"})
    with enter(host.path) as opened:
        assert not (await opened.imports.take(session.pack(tip), [tip], host.head)).refused
    assert host.git("cat-file", "-t", tip) == "commit"


@pytest.mark.parametrize("kind", [["--shared"], ["--depth=1", "--no-local"]])
async def test_a_borrowing_or_shallow_repository_takes_packs_too(
    sample, new_sample, tmp_path, kind
):
    sample.commit({"a.txt": "more\n"})
    odd = tmp_path / 'odd: "name"'
    sample.git("clone", "-q", *kind, f"file://{sample.path}" if "--no-local" in kind else
               str(sample.path), str(odd))  # fmt: skip
    host = type(sample)(odd)
    session = Session.of(host, new_sample) if "--shared" in kind else Session(host, host)
    if "--shared" in kind:
        tip = session.own.commit({"new.txt": "n\n"})
        pack = session.pack(tip)
    else:
        tip = host.commit_on(host.head, {"new.txt": "n\n"})
        pack = session.pack(tip)
    with enter(odd) as opened:
        assert not (await opened.imports.take(pack, [tip], host.head)).refused
    assert host.git("cat-file", "-t", tip) == "commit"
