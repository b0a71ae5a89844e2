"""The profile for macOS, read as macOS says it reads one: the last rule that matches wins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.enclosure import Bounds, Cover, Enclosure
from orchestrator.sandboxes.seatbelt import Seatbelt, profile, quoted, resolved
from orchestrator.supervision.job import Job

Rule = list["Rule | str"]

ADA = Path("/Users/ada")
WORK = ADA / "work"
HOME = ADA / "state/home"
ENCLOSURE = Enclosure(who="test", home=HOME, writable=(WORK,), fixed=(WORK / "deep/.git",))


def parsed(text: str) -> list[Rule]:
    """The expressions of a profile; a string is told from a word by its leading quote."""
    tokens = iter(re.findall(r'[()]|"(?:[^"\\]|\\.)*"|[^\s()"]+', text, re.DOTALL))

    def group() -> Iterator[Rule | str]:
        for token in tokens:
            if token == ")":
                return
            if token == "(":
                yield list(group())
            elif token.startswith('"'):
                yield '"' + re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
            else:
                yield token

    rules = list(group())
    assert all(isinstance(rule, list) for rule in rules)
    return [rule for rule in rules if isinstance(rule, list)]


def allowed(text: str, operation: str, thing: str | Path) -> bool:
    verdict = "none"
    for rule in parsed(text):
        word, *rest = rule
        named = any(names(name, operation) for name in rest if isinstance(name, str))
        filters = [one for one in rest if isinstance(one, list)]
        met = not filters or any(matches(one, str(thing)) for one in filters)
        if word in ("allow", "deny") and named and met:
            verdict = str(word)
    return verdict == "allow"


def names(rule: str, operation: str) -> bool:
    return rule in ("default", operation) or (
        rule.endswith("*") and operation.startswith(rule[:-1])
    )


def matches(one: Rule, thing: str) -> bool:
    kind, name = one[0], str(one[-1]).removeprefix('"')
    if kind == "subpath":
        return thing == name or thing.startswith(f"{name}/")
    return kind in ("literal", "remote") and thing == name


def test_a_job_reads_and_writes_what_is_its_own() -> None:
    text = profile(ENCLOSURE)
    for path in (WORK, WORK / "a/b", HOME / ".config"):
        assert allowed(text, "file-read-data", path)
        assert allowed(text, "file-write-create", path)
    assert allowed(text, "file-write-data", "/dev/null")
    assert allowed(text, "process-exec", "/usr/bin/git")


@pytest.mark.parametrize(
    "path",
    [ADA, ADA / ".ssh/id", ADA / "workshop", ADA / "state/other", "/Volumes/x", "/private/tmp/x"],
)
def test_what_people_keep_is_neither_read_nor_written(path: str | Path) -> None:
    text = profile(ENCLOSURE)
    assert not allowed(text, "file-read-data", path)
    assert not allowed(text, "file-write-data", path)


def test_the_system_is_read_and_never_written() -> None:
    text = profile(ENCLOSURE)
    for path in ("/usr/bin/git", "/System/Library/x", "/private/etc/hosts", "/dev/ttys001"):
        assert allowed(text, "file-read-data", path)
        assert not allowed(text, "file-write-data", path)


def test_what_is_lent_is_read_wherever_it_lies() -> None:
    enclosure = replace(
        ENCLOSURE,
        readable=(WORK / "inside", ADA / "lent"),
        covers=(Cover(ADA / "objects", ADA / "objects", writable=False),),
    )
    text = profile(enclosure, tools=[ADA / ".local/bin"])
    for path in (WORK / "inside/x", ADA / "lent", ADA / "objects/aa", ADA / ".local/bin/claude"):
        assert allowed(text, "file-read-data", path)
        assert not allowed(text, "file-write-data", path)


def test_what_is_fixed_cannot_be_written_nor_its_folders_moved_away() -> None:
    text = profile(ENCLOSURE)
    for path in (WORK / "deep/.git", WORK / "deep/.git/config"):
        assert allowed(text, "file-read-data", path)
        assert not allowed(text, "file-write-data", path)
    for folder in (WORK, WORK / "deep"):
        assert not allowed(text, "file-write-unlink", folder)
        assert allowed(text, "file-write-create", folder / "new")
    assert allowed(text, "file-write-unlink", WORK / "other")


def test_folders_on_the_way_show_what_they_are_and_not_what_they_hold() -> None:
    text = profile(ENCLOSURE)
    for folder in ("/", "/Users", ADA, ADA / "state"):
        assert allowed(text, "file-read-metadata", folder)
    for folder in ("/Users", ADA, ADA / "state"):
        assert not allowed(text, "file-read-data", folder)


def test_there_is_no_network_but_the_proxy_and_the_door() -> None:
    assert not allowed(profile(ENCLOSURE), "network-outbound", "localhost:3128")
    text = profile(replace(ENCLOSURE, door=ADA / "door"), ports=[3128])
    assert allowed(text, "network-outbound", "localhost:3128")
    assert allowed(text, "network-outbound", ADA / "door")
    for other in ("localhost:80", "example.org:3128", ADA / "other"):
        assert not allowed(text, "network-outbound", other)
    assert not allowed(text, "network-bind", "localhost:3128")


ODD = ['a"b', "back\\slash", 'end\\"', "[ab]*?", "(deny)", "new\nline", "; x", "#|", "ünï", "a b"]


@pytest.mark.parametrize("name", ODD)
def test_no_name_is_more_than_a_name(name: str) -> None:
    folder = ADA / name
    text = profile(Enclosure(who="test", writable=(folder,)))
    plain = profile(Enclosure(who="test", writable=(ADA / "plain",)))
    assert len(parsed(text)) == len(parsed(plain))
    assert allowed(text, "file-write-data", folder / "x")
    assert not allowed(text, "file-write-data", ADA / "a/x")


def test_a_quote_or_backslash_is_written_with_a_backslash() -> None:
    assert quoted('a"b\\c[d]') == '"a\\"b\\\\c[d]"'


def test_no_rule_is_without_a_filter_where_it_had_nothing_to_name() -> None:
    bare = parsed(profile(Enclosure(who="test")))
    unfiltered = [rule[1:] for rule in bare if all(isinstance(word, str) for word in rule)]
    assert unfiltered == [
        ["1"],
        ["default"],
        ["process-exec", "process-fork"],
        ["sysctl-read"],
        ["ipc-posix-sem"],
        ["file-read*"],
        ["network*"],
    ]


def test_everything_not_named_is_denied_from_the_first_rule_on() -> None:
    assert profile(ENCLOSURE).splitlines()[:2] == ["(version 1)", "(deny default)"]
    for operation in ("mach-register", "system-socket", "iokit-open", "nvram-set"):
        assert not allowed(profile(ENCLOSURE), operation, "")


def test_the_job_is_given_its_profile_home_and_limits(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    enclosure = Enclosure(
        who="test",
        home=tmp_path / "link",
        egress=tmp_path / "proxy",
        bounds=Bounds(open_files=64, file_bytes=1 << 20),
    )
    env = {"PATH": "/usr/bin", "HTTP_PROXY": "http://127.0.0.1:3128"}
    job = Seatbelt().wrap(Job(("agent", "-x"), tmp_path, env, "test"), enclosure)
    program, option, text, *command = [str(word) for word in job.argv]
    assert (program, option) == ("/usr/bin/sandbox-exec", "-p")
    assert text == profile(resolved(enclosure), ports=[3128])
    assert command[-2:] == ["agent", "-x"]
    assert "ulimit -n 64 && ulimit -f 2048" in command[2]
    assert job.env["HOME"] == str(tmp_path / "real")


def test_no_folder_is_shown_as_another() -> None:
    shown = replace(ENCLOSURE, covers=(Cover(ADA / "a", ADA / "b"),))
    with pytest.raises(CannotRun, match="only bubblewrap can show one folder as another"):
        Seatbelt().wrap(Job(("true",), ADA, {}, "test"), shown)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("system", "words"), [("Linux", "of macOS only"), ("Darwin", "never tried")]
)
async def test_it_never_says_that_it_holds(
    system: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    assert words in await Seatbelt().probe()
