"""Units and words as people write them in a plan, each with the rule it must keep.

``45m`` is a duration, ``400k`` a number of tokens, ``src/**`` a path of the repository. A rule
that is broken raises ValueError with a sentence that begins with the value and ends with the
mend; the reader of the file adds where it stands. Nothing here knows a model or a file.
"""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import SequenceMatcher

from orchestrator.errors import UsageError
from orchestrator.hosts import parse_rule
from orchestrator.plan.quoting import quoted

LONGEST_SECONDS = timedelta(days=30).total_seconds()
"""No duration in a plan is longer; clocks and timers are trusted up to here."""

MOST_TOKENS = 1_000_000_000

REPORT = "{report}"
REPORT_MARKS = (REPORT, "CLERK_REPORT")
"""How a command names the fresh path: as a placeholder, or by its variable."""

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,62}$")
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TOKENS = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(k|M)")
_COUNT = {"k": 1_000, "M": 1_000_000}
_LONGEST_FILE_NAME = 250
"""In bytes; git adds ``.lock`` to the file of a branch, and 255 is the most."""

_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z]+)\}")
_LIKE_REPORT = 0.8  # 'reprot' is, '{repo}' of somebody's own is not

_PORT = r"(?:[0-9]{1,5}|\{port\.[^{}\s]+\})"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_ADDRESS = re.compile(rf"(?:{_HOST}:)?{_PORT}")
_URL = re.compile(rf"https?://{_HOST}(?::{_PORT})?(?:[/?][!-~]*)?")

_ELSEWHERE = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    }
)
# What git check-ref-format refuses, and what a command line or a person would misread.
_NO_BRANCH = re.compile(r"^[-/.]|[\s~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$|^@$|^refs/")


def parse_duration(value: object) -> object:
    """Seconds of ``'500ms'``, ``'20s'``, ``'45m'`` or ``'2h'``; plain numbers are seconds.

    Raises ValueError on any other text; other types are passed on for the model to judge.
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{quoted(value)} is not a duration; write 500ms, 20s, 45m or 2h")
    return float(match[1]) * _SECONDS[match[2]]


def parse_tokens(value: object) -> object:
    """Tokens of ``400000``, ``'400k'`` or ``'1.5M'``; raises ValueError on any other text."""
    if not isinstance(value, str):
        return value
    match = _TOKENS.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{quoted(value)} is not a number of tokens; write 400000, 400k or 1.5M")
    return round(float(match[1]) * _COUNT[match[2]])


def show_duration(seconds: float) -> str:
    """A duration for people, two units at most: ``'45m'``, ``'1h 5m'``, ``'3.2s'``."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds % 1 else f"{int(seconds)}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if minutes else f"{hours}h"


def check_name(value: str) -> str:
    """``value`` when it is safe as a ref component, a folder and a word on the command line."""
    if not NAME.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is no name; use small letters, digits, '.', '_' and '-', at most 63,"
            " beginning with a letter or digit"
        )
    if ".." in value or value.endswith((".", ".lock")):
        raise ValueError(
            f"{quoted(value)} is no name: git allows neither '..' nor '.' or '.lock' at the end"
        )
    return value


def check_branch(value: str) -> str:
    """``value`` when it can be a target branch, written without ``refs/heads/``."""
    too_long = any(len(part.encode()) > _LONGEST_FILE_NAME for part in value.split("/"))
    if too_long or value == "HEAD" or _NO_BRANCH.search(value):
        raise ValueError(f"{quoted(value)} cannot be a branch; write it as git branch shows it")
    if value.startswith("clerk/"):
        raise ValueError(f"{quoted(value)} cannot be the target: 'clerk/…' are the tasks' branches")
    return value


def check_version(value: object) -> object:
    """``value`` unless it only equals a version: ``true`` and ``1.0`` equal 1 in Python."""
    if isinstance(value, bool | float):
        raise ValueError(  # noqa: TRY004 - the model tells ValueErrors
            "the version of the format is a whole number; write clerk: 1"
        )
    return value


def check_not_blank(value: str) -> str:
    """``value`` unless it is nothing but white space, which says nothing and runs nothing."""
    if value and not value.strip():
        raise ValueError("must hold a text, not white space alone")
    return value


def tells_report(command: str) -> bool:
    """Whether ``command`` is told where to write a report; otherwise its output is the report."""
    return any(mark in command for mark in REPORT_MARKS)


def check_command(value: str) -> str:
    """``value`` unless it holds a misspelt ``{report}``, which a shell would take as it stands."""
    for name in _PLACEHOLDER.findall(value):
        if name != "report" and SequenceMatcher(None, name, "report").ratio() > _LIKE_REPORT:
            raise ValueError(f"there is no {quoted('{' + name + '}')}; did you mean '{{report}}'?")
    return value


def check_variable(name: str) -> str:
    """``name`` when a process can have a variable of that name that does not mislead its git."""
    if not name or "=" in name:
        raise ValueError(f"{quoted(name)} cannot name a variable; use letters, digits and '_'")
    if name in _ELSEWHERE:
        raise ValueError(f"{quoted(name)} would lead git to another repository; remove it")
    return name


def check_one_line(value: str) -> str:
    """``value`` when it is one line: it becomes the subject of a commit."""
    if "\n" in value or not value.strip():
        raise ValueError("must be one line of text; longer words belong in the brief")
    return value


def check_inside(value: str) -> str:
    """``value`` when it is a path below the repository's root."""
    if value.startswith(("/", "~")) or ".." in value.split("/"):
        raise ValueError(f"{quoted(value)} leaves the repository; write a path below its root")
    parts = [part for part in value.split("/") if part not in {"", "."}]
    if not parts or parts[0] == ".git":
        raise ValueError(f"{quoted(value)} cannot be taken along; name a file or folder of yours")
    return value


def check_lent(value: str) -> str:
    """``value`` when it is a path of the machine: absolute, or below the user's home."""
    if not value.startswith(("/", "~/")) or ".." in value.split("/") or value.strip("~/") == "":
        raise ValueError(f"{quoted(value)} cannot be lent; write ~/path or /path, without '..'")
    return value


def check_address(value: str) -> str:
    """``value`` when it is a port or host:port; the port may be ``{port.NAME}``."""
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f"{quoted(value)} is no address; write {{port.NAME}} or 127.0.0.1:8080")
    return value


def check_url(value: str) -> str:
    """``value`` when a service can be asked there; the port may be ``{port.NAME}``."""
    if not _URL.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is no URL to ask; write it like http://127.0.0.1:{{port.NAME}}/"
        )
    return value


def check_host(value: str) -> str:
    """``value`` when ``needs.network`` can mean it (see ``orchestrator.hosts``)."""
    try:
        parse_rule(value)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return value
