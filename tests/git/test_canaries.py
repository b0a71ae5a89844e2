"""No door by which a repository can name a program leads through the engine's git.

Every vector leaves a file of its own when its program runs. The battery proves itself first:
plain git on a copy sets them off. Then every command of the git room is driven on the original,
and the room's source is read to see that none was forgotten.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import GitError
from orchestrator.git.lineage import lineage
from orchestrator.git.notes import DRAFT
from orchestrator.git.opening import OpenRepository
from orchestrator.git.policy import scan
from orchestrator.git.preflight import preflight
from orchestrator.git.repository import Repository
from orchestrator.git.what_if import WhatIf
from orchestrator.identity import Identity
from orchestrator.states import Strategy

pytestmark = pytest.mark.anyio
ROOM = Path(__file__).parents[2] / "orchestrator/git"
HOOKS = (
    "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout",
    "pre-merge-commit", "post-merge", "post-rewrite", "post-index-change",
    "reference-transaction", "pre-rebase", "pre-push",
)  # fmt: skip
SETTINGS = {
    "core.fsmonitor": "core.fsmonitor",
    "core.editor": "core.editor",
    "sequence.editor": "sequence.editor",
    "core.sshCommand": "core.sshCommand",
    "credential.helper": "credential.helper",
    "core.askPass": "core.askPass",
    "diff.external": "diff.external",
    "gpg.program": "gpg.program",
    "filter.clean": "filter.c.clean",
    "filter.smudge": "filter.s.smudge",
    "filter.process": "filter.p.process",
    "merge.driver": "merge.evil.driver",
    "diff.textconv": "diff.t.textconv",
    "diff.command": "diff.d.command",
    "alias": "alias.st",
    "remote.receivepack": "remote.there.receivepack",
    "remote.uploadpack": "remote.there.uploadpack",
}
ATTRIBUTES = """\
*.c filter=c
*.s filter=s
*.p filter=p
*.m merge=evil
*.t diff=t
*.d diff=d
*.i filter=inc
*.w filter=tree
"""
FILES = {f"x.{kind}": "one\n" for kind in "cspmtdiw"}


class Battery:
    """A repository in which everything is planted, and the canaries that tell who ran."""

    def __init__(self, sample, top):
        self.sample, self.cage = sample, top / "cage"
        self.cage.mkdir()
        self.base = sample.commit({**FILES, ".gitattributes": ATTRIBUTES}, "files")
        self.theirs = sample.commit_on(self.base, {"x.m": "theirs\n"})
        self.rival = sample.commit_on(self.base, {"new.txt": "new\n"})
        self.vectors = {f"hook {name}" for name in HOOKS} | SETTINGS.keys()
        self.vectors |= {
            "include.path",
            "config.worktree",
            "nested",
            "GIT_EXTERNAL_DIFF",
            "promisor",
        }
        self.remote = top / "remote.git"
        sample.git("clone", "-q", "--bare", str(sample.path), str(self.remote))
        sample.git("remote", "add", "there", str(self.remote))
        self._plant()

    def program(self, name):
        """A program that leaves a file of that name; a filter also passes its input on."""
        script = self.cage.parent / "programs" / name.replace(" ", "-")
        script.parent.mkdir(exist_ok=True)
        last = "exec cat" if name.startswith(("filter", "include", "config")) else "exit 0"
        script.write_text(f"#!/bin/sh\n: > '{self.cage / name}'\n{last}\n")
        script.chmod(0o755)
        return str(script)

    @property
    def fired(self):
        return {path.name for path in self.cage.iterdir()}

    def _plant(self):
        git, own = self.sample.git, self.sample.path / ".git"
        (self.sample.path / "nested").mkdir()
        nested = self.sample.path / "nested"
        git("init", "-q", cwd=nested)
        git("commit", "-qm", "n", "--allow-empty", cwd=nested)
        link = f"160000,{git('rev-parse', 'HEAD', cwd=nested)},nested"
        git("update-index", "--add", "--cacheinfo", link)
        git("commit", "-qm", "a link to a repository")
        self.head = self.sample.head
        git("config", "core.fsmonitor", self.program("nested"), cwd=nested)
        (nested / "file").write_text("x")
        inner = self.cage.parent / "included"
        inner.write_text(f'[filter "inc"]\n\tclean = {self.program("include.path")}\n')
        git("config", "extensions.worktreeConfig", "true")
        git("config", "include.path", str(inner))
        git("config", "--worktree", "filter.tree.clean", self.program("config.worktree"))
        # A partial clone whose missing objects are asked of a program.
        git("config", "remote.evil.url", f"file://{self.cage}")
        git("config", "remote.evil.promisor", "true")
        git("config", "remote.evil.uploadpack", self.program("promisor"))
        git("config", "extensions.partialClone", "evil")
        git("config", "core.repositoryFormatVersion", "1")
        for name, key in SETTINGS.items():
            value = self.program(name)
            git("config", key, f"!{value}" if name == "alias" else value)
        for name in HOOKS:
            hook = own / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            shutil.copy(self.program(f"hook {name}"), hook)
        shutil.rmtree(self.cage)
        self.cage.mkdir()

    def prove(self, top):
        """Plain git on a copy, one command after the other, whatever it says to that."""
        copy = top / "copy"
        shutil.copytree(self.sample.path, copy, symlinks=True)

        def plain(*args, given="", **env):
            subprocess.run(
                ["git", *args], cwd=copy, input=given, text=True, capture_output=True,
                check=False, env={**self.environment(), **env}, timeout=20,
            )  # fmt: skip

        for line in (
            "checkout -q -b side",
            "commit -q --allow-empty -m s",
            "commit --amend --allow-empty -qm t",
        ):
            plain(*line.split())
        plain("commit", "--allow-empty")
        plain("rebase", "-i", "HEAD~1", GIT_EDITOR="true")
        plain("rebase", "-i", "HEAD~1")
        plain("rebase", "--abort")
        plain("commit", "-S", "--allow-empty", "-m", "signed")
        plain("merge", "-q", "--no-ff", "-m", "m", self.rival)
        plain("st")
        plain("cat-file", "-p", "1" * 40)
        for kind in "cspmtdiw":
            (copy / f"x.{kind}").write_text("changed\n")
            plain("add", f"x.{kind}")
        plain("commit", "-q", "-m", "changed")
        plain("merge", "-q", "-m", "m", self.theirs)
        plain("merge", "--abort")
        (copy / "x.s").unlink()
        plain("checkout", "HEAD", "--", "x.s")
        plain("diff", self.base, GIT_EXTERNAL_DIFF=self.program("GIT_EXTERNAL_DIFF"))
        plain("diff", self.base)
        plain("diff", "--no-ext-diff", self.base, "--", "x.t")
        plain("status")
        plain("push", "there", "HEAD:refs/heads/x")
        plain("push", str(self.remote), "HEAD:refs/heads/y")
        plain("fetch", "there")
        plain("ls-remote", "ssh://nobody@localhost/x")
        plain("credential", "fill", given="protocol=https\nhost=x.invalid\n\n")
        return self.fired

    @staticmethod
    def environment():
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            **Identity("Ada", "a@b").as_environment(),
        }


@pytest.fixture
def battery(sample, tmp_path):
    return Battery(sample, tmp_path)


def test_the_battery_bites_plain_git(battery, tmp_path):
    fired = battery.prove(tmp_path)
    print(f"{len(fired)} of {len(battery.vectors)} vectors fire under plain git")
    assert battery.vectors - fired == set()


async def drive(opened, battery, tmp_path):  # noqa: PLR0915 - a list of calls
    """Every command of the room, in a repository where all of them are dangerous."""
    sample, base, theirs, rival = battery.sample, battery.base, battery.theirs, battery.rival
    preflight(opened.repository, target="main", plan="p")
    await opened.repair()
    tree = await opened.worktrees.create("p", "t", base)
    shutil.copy(sample.path / ".git/config.worktree", tree.git_dir / "config.worktree")
    for kind in "cspmtdiw":
        (tree.path / f"x.{kind}").write_text("mine\n")
    left = await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    await opened.git.run("update-ref", "--no-deref", "HEAD", left.head, at=tree)
    (tree.path / "x.c").write_text("detached\n")
    left = await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    async with opened.pool.acquire(left.head) as checkout:
        (checkout.path / "left").write_text("to be cleaned\n")
    async with opened.pool.acquire(base) as checkout:
        link = ("update-index", "--add", "--cacheinfo", f"160000,{base},vendor")
        await opened.git.run(*link, at=checkout.worktree)
        await opened.pool._empty_submodules(checkout.worktree)
    history = opened.history
    conflict = await opened.candidates.merge(theirs, left.head)
    await opened.conflicts.hunks(conflict, 10_000)
    merged = await opened.candidates.merge(rival, left.head)
    built = await opened.candidates.commit(merged, message="m", author=Identity("a", "b"), date=1)
    for strategy in Strategy:
        how = {"message": "m\n\nA: b\n", "author": Identity("a", "b"), "date": 1}
        await opened.strategies.build(merged, strategy, **how)
    await history.renames(base, rival)
    await history.merge_bases(base, rival)
    await opened.notes.write({base: "note\n"}, date=1)
    await opened.notes.read([base])
    await lineage(opened.git, [base])
    await opened.refs.move("refs/heads/other", rival, "", "test")
    await opened.refs.hold("refs/clerk/keep/p/t/1", left.head)
    await opened.landing.land("refs/heads/other", built, rival)
    await opened.refs.let_go("refs/clerk/keep/p/t/1")
    await opened.notes.write({base: "told\n"}, date=1)
    assert await opened.notes.read([base]) == {base: "told\n"}
    await opened.refs.resolve("refs/heads/main")
    await opened.objects.commit(built.commit)
    await opened.git.run("cat-file", "commit", built.commit)
    await drive_conflicts(opened, tree, theirs, left.head)
    await drive_grounds(opened, base, rival, left.head, tmp_path)
    await opened.conflicts.left(left.head, theirs)
    await history.diff_text(base, left.head, 10_000)
    await history.changes(base, left.head)
    await history.look_ahead([(base, left.head)])
    await history.merge_base(base, left.head)
    await history.is_ancestor(base, left.head)
    await history.tracked_files(left.head)
    await history.subjects(base, left.head)
    await history.file_at(left.head, "x.t")
    await opened.reductions.of(left.head, (await opened.listings.of(left.head)).entries)
    await scan(opened.git, base, battery.head)
    await opened.tripwire.begin("job")
    sample.write(".git/config", (sample.path / ".git/config").read_text() + "[a]\n\tb = c\n")
    await opened.tripwire.end("job", of="t")
    main = opened.repository.main
    await opened.landing.checkouts_of("refs/heads/main", main)
    await opened.landing.blockers(main, battery.head, rival)
    await opened.landing.fast_forward(main, battery.head, rival)
    with pytest.raises(GitError):
        await opened.objects.commit("1" * 40)
    empty = tmp_path / "empty.pack"
    empty.write_bytes(b"no pack")
    await opened.imports.take(empty, [left.head], base)
    empty.write_bytes(b"")
    await opened.imports.take(empty, [left.head], base)
    url = await opened.exchange.url_of("there")
    await opened.exchange.push(url, "refs/heads/clerk/p/t", left.head, over="")
    assert await opened.exchange.head_of(url, "refs/heads/clerk/p/t") == left.head
    await opened.exchange.fetch(url, "refs/heads/main", known=[base])
    await opened.worktrees.reopen("p", "t")
    await opened.worktrees.remove("p", "t")


async def drive_conflicts(opened, tree, theirs, head):
    """One that nobody has resolved, then the same one, resolved once before."""
    synced = await opened.conflicts.sync(tree, theirs, "sync")
    assert synced.disputed
    await opened.git.run("merge", "--abort", at=tree)
    await opened.resolutions.expect("p", "t", synced.disputed)
    assert await opened.resolutions.learn("p", "t", head)
    assert (await opened.conflicts.sync(tree, theirs, "sync")).reused


async def drive_grounds(opened, base, rival, head, tmp_path):
    ground = await opened.grounds.lay(
        base, (f"a@{rival}",), of="p/t", author=Identity("a", "b"), date=1
    )
    await opened.grounds.read(ground)
    await opened.grounds.newest("p/t", base, ground)
    (tmp_path / "what-if").mkdir()
    assert await WhatIf(opened.git, tmp_path / "what-if").conflicts(base, head, rival) == ()


async def test_nothing_planted_runs_through_any_command_of_the_engine(
    battery, tmp_path, monkeypatch
):
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", battery.program("GIT_EXTERNAL_DIFF"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    with OpenRepository(Repository.discover(battery.sample.path)) as opened:
        seen = counted(opened.git, monkeypatch)
        await drive(opened, battery, tmp_path)
    print(f"{len(seen)} commands x {len(battery.vectors)} vectors: {sorted(seen)}")
    assert battery.fired == set()
    assert commands_in_the_room() - seen - NOT_DRIVEN == set()


NOT_DRIVEN = {"pack-objects"}
"""Run inside a sandbox only."""


def counted(git, monkeypatch):
    """The names of all commands that ``git`` is given from now on."""
    seen = set()
    plain = git._argv

    def argv(args, at):
        seen.add(args[0])
        return plain(args, at)

    monkeypatch.setattr(git, "_argv", argv)
    return seen


def commands_in_the_room():
    """Every command that the source of the room names where it runs git."""
    source = "\n".join(path.read_text() for path in ROOM.glob("*.py"))
    return set(re.findall(r"(?:git\.run|run_now)\(\s*\*?\(?\s*\"([a-z-]+)\"", source))


async def test_replaced_and_grafted_history_is_not_believed(sample, opened):
    base = sample.head
    loose = sample.git("commit-tree", "-m", "no parent", f"{base}^{{tree}}")
    forged = sample.git("commit-tree", "-m", "forged", "-p", base, f"{base}^{{tree}}")
    sample.git("replace", loose, forged)
    assert sample.git("merge-base", base, loose) == base
    assert not await opened.history.is_ancestor(base, loose)
    sample.git("replace", "-d", loose)
    sample.write(".git/info/grafts", f"{loose} {base}\n")
    assert sample.git("merge-base", base, loose) == base
    assert not await opened.history.is_ancestor(base, loose)


async def test_a_branch_that_is_a_pointer_drags_nothing_along(sample, opened):
    base = sample.head
    sample.git("symbolic-ref", "refs/heads/clerk/p/t", "refs/heads/main")
    rival = sample.commit_on(base, {"b.txt": "b\n"})
    await opened.refs.move("refs/heads/clerk/p/t", rival, base, "test")
    assert sample.git("rev-parse", "main") == base


async def test_a_draft_of_notes_that_is_a_pointer_drags_nothing_along(sample, opened):
    base = sample.head
    sample.git("symbolic-ref", DRAFT, "refs/heads/main")
    await opened.notes.write({base: "told\n"}, date=1)
    assert sample.git("rev-parse", "main") == base
    assert await opened.notes.read([base]) == {base: "told\n"}


async def test_a_git_in_the_repository_is_not_run_for_a_relative_search_path(
    sample, canary, monkeypatch
):
    script, witness = canary
    evil = sample.path / "git"
    evil.write_bytes(script.read_bytes())
    evil.chmod(0o755)
    monkeypatch.chdir(sample.path)
    monkeypatch.setenv("PATH", f".:{Battery.environment()['PATH']}")
    with OpenRepository(Repository.discover(sample.path)) as opened:
        await opened.git.run("status", at=opened.repository.main)
    assert not witness.exists()
