"""Each protection taken away alone (or with those that stand behind it) lets an attack through."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sandboxes import assault
from sandboxes.battery import ATTACKS
from sandboxes.ground import SECRET

from orchestrator.supervision.job import Handed, Job, Witness

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.geteuid() != 0, reason="the table is of what root's jobs are held by"),
]

Words = list[str | Handed | Witness]
Drop = Callable[[Words], Words]
ANY = "any"


def without(*phrase: str) -> Drop:
    """Everywhere ``phrase`` stands it goes; ANY is any one word."""

    def drop(words: Words) -> Words:
        kept: Words = []
        at = 0
        while at < len(words):
            if _stands(phrase, words[at : at + len(phrase)]):
                at += len(phrase)
            else:
                kept.append(words[at])
                at += 1
        assert len(kept) < len(words), f"{phrase} is not there"
        return kept

    return drop


def _stands(phrase: Sequence[str], words: Words) -> bool:
    return len(words) == len(phrase) and all(
        wanted in (ANY, word) for wanted, word in zip(phrase, words, strict=True)
    )


def as_root(words: Words) -> Words:
    """The job stays root, who is held by nothing but mounts and namespaces."""
    begin = next(at for at, word in enumerate(words) if str(word).endswith("/setpriv"))
    end = words.index("--", begin)
    return words[:begin] + words[end + 1 :]


def mounted(kind: str, suffix: str, *instead: str) -> Drop:
    """The mount of this kind whose place ends with ``suffix`` goes, or is made otherwise."""

    def change(words: Words) -> Words:
        for at, word in enumerate(words[:-2]):
            if word == kind and str(words[at + 2]).endswith(suffix):
                there = {"SOURCE": str(words[at + 1]), "PLACE": str(words[at + 2])}
                new = [there.get(word, word) for word in instead]
                return [*words[:at], *new, *words[at + 3 :]]
        raise AssertionError(f"nothing is mounted at {suffix}")

    return change


@dataclass(frozen=True)
class Mutant:
    """What is taken away, and the attacks of which each then succeeds, or changes what is outside."""

    drops: tuple[Drop, ...]
    lets: tuple[str, ...]


CAPABILITIES = without("--cap-drop", "ALL")
SECCOMP = without("--seccomp", ANY)
SIZES = without("--size", ANY)

MUTANTS = {
    "--unshare-net": Mutant(
        (without("--unshare-net"),),
        ("reach a port of this machine", "send a datagram", "reach a socket without a file"),
    ),
    "--unshare-pid": Mutant((without("--unshare-pid"),), ("see another process",)),
    "--unshare-pid, as root": Mutant((without("--unshare-pid"), as_root), ("kill it",)),
    "--unshare-ipc": Mutant((without("--unshare-ipc"), as_root), ("remove shared memory",)),
    "setpriv": Mutant((as_root,), ("become somebody",)),
    "--cap-drop": Mutant((CAPABILITIES, SECCOMP, as_root), ("mount", "set the host's name")),
    "--seccomp": Mutant(
        (SECCOMP,),
        ("a key ring", "io_uring", "a socket to the hypervisor", "make a user namespace"),
    ),
    "/proc/sys": Mutant(
        (mounted("--ro-bind", "/proc/sys"), as_root), ("change a setting of the kernel",)
    ),
    "--size": Mutant((SIZES,), ("fill /tmp", "fill /var/tmp", "fill /dev/shm")),
    "--remount-ro /dev": Mutant((without("--remount-ro", "/dev"), as_root), ("fill /dev",)),
    "--remount-ro /": Mutant(
        (without("--remount-ro", "/"), as_root), ("write in every folder there is",)
    ),
    "the fixed .git": Mutant(
        (mounted("--ro-bind", "p/mine/.git"),),
        ("lead the worktree elsewhere", "replace the worktree's .git", "move a .git over it"),
    ),
    "the private view": Mutant(
        (mounted("--bind", "a repo/.git", "--bind", "PLACE", "PLACE"), as_root),
        ("add a hook", "delete the state", "delete the whole repository"),
    ),
    "objects that may only be read": Mutant(
        (mounted("--ro-bind", "clerk/objects", "--bind", "SOURCE", "PLACE"), as_root),
        ("garble objects", "delete objects", "plant an object"),
    ),
    "--nproc": Mutant((without("--nproc=64"),), ("start processes without end",)),
    "--nofile": Mutant((without("--nofile=256"),), ("open files without end",)),
    "--fsize": Mutant((without(f"--fsize={32 << 20}"),), ("fill one file",)),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_without_it_an_attack_gets_through(name: str, tmp_path: Path, bwrap: str) -> None:
    mutant = MUTANTS[name]

    def weakened(job: Job) -> Job:
        words = _spelt_out(job.argv)
        for drop in mutant.drops:
            words = drop(words)
        return replace(job, argv=words)

    for attack in mutant.lets:
        place = tmp_path / str(mutant.lets.index(attack))
        place.mkdir()
        damage = await assault.confined(place, (attack,), weakened)
        assert damage.changed or attack in damage.worked, f"{attack}: {damage.said}"


@pytest.mark.slow
async def test_a_job_that_stays_root_still_changes_nothing_outside(
    tmp_path: Path, bwrap: str
) -> None:
    damage = await assault.confined(
        tmp_path, rewrite=lambda job: replace(job, argv=as_root(_spelt_out(job.argv)))
    )
    assert damage.changed == [], damage.said
    may = {
        "become root",
        "become somebody",
        "start processes without end",
        "find a secret in any environment",
    }
    assert set(damage.worked) <= may, damage.said


async def test_without_an_empty_environment_a_secret_is_found(
    tmp_path: Path, bwrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    attack = "find a secret in any environment"

    def weakened(job: Job) -> Job:
        words = without("--clearenv")(_spelt_out(job.argv))
        return replace(job, argv=words, env=dict(os.environ))

    damage = await assault.confined(tmp_path, (attack,), weakened)
    assert damage.worked == [attack], damage.said


def test_every_attack_of_the_table_is_in_the_battery() -> None:
    assert {attack for mutant in MUTANTS.values() for attack in mutant.lets} <= ATTACKS.keys()


def _spelt_out(argv: Sequence[str | Handed | Witness]) -> Words:
    """The words of the command with the options that are handed by a descriptor among them."""
    words = list(argv)
    at = words.index("--args")
    handed = words[at + 1]
    assert isinstance(handed, Handed)
    options = [os.fsdecode(word) for word in handed.content.split(b"\0")[:-1]]
    return [*words[:at], *options, *words[at + 2 :]]
