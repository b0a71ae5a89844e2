"""The message of a merge commit: what landed and what was proven.

Titles and bodies come from plans and agents. Control characters are cut from all, newlines from
whatever must stay on a line, so that nobody can slip in a trailer or a terminal escape. The
trailers are the last paragraph, where git looks for them. For people and audits only: recovery
trusts oids, never a trailer.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.identity import Identity

_BRACKETS = {ord(bracket): " " for bracket in "<>"}


UNDOES = "Clerk-Reverts"
"""Names a task that is taken back, and the commit it had landed as."""


def merge_message(
    title: str,
    body: str,
    *,
    task: str,
    plan: str,
    sandbox: str,
    verified: Iterable[tuple[str, str]] = (),
    guarded: Iterable[tuple[str, str]] = (),
    red: Iterable[tuple[str, str]] = (),
    flaky: Iterable[tuple[str, str]] = (),
) -> str:
    """Title line, body, and the trailers ``Clerk-Task``, ``Clerk-Plan`` and so on.

    ``verified`` are pairs of a check's name and the tree it passed on, ``guarded`` those of one that
    passed on this tree or on a later one that landed with it, ``red`` those of a tree with
    the tests alone, ``flaky`` those that passed on the branch only as the plan allows, ``sandbox``
    what it all ran in. Ends with a newline.
    """
    trailers = [f"Clerk-Task: {one_line(task)}", f"Clerk-Plan: {one_line(plan)}"]
    trailers.append(f"Clerk-Sandbox: {one_line(sandbox)}")
    trailers += [f"Clerk-Red: {one_line(check)}@{one_line(tree)}" for check, tree in red]
    trailers += [f"Clerk-Flaky: {one_line(check)}@{one_line(tree)}" for check, tree in flaky]
    trailers += _promised(verified, guarded)
    paragraphs = [one_line(title) or one_line(task), _several_lines(body), "\n".join(trailers)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def revert_message(
    title: str,
    *,
    landed: str,
    task: str,
    plan: str,
    sandbox: str,
    verified: Iterable[tuple[str, str]] = (),
    guarded: Iterable[tuple[str, str]] = (),
) -> str:
    """What takes the landing ``landed`` of a task back; the trailers as in ``merge_message``."""
    trailers = [f"{UNDOES}: {one_line(task)}@{one_line(landed)}"]
    trailers += [f"Clerk-Plan: {one_line(plan)}", f"Clerk-Sandbox: {one_line(sandbox)}"]
    trailers += _promised(verified, guarded)
    told = f"This takes back {one_line(landed)}, with which task {one_line(task)} landed."
    return f'Revert "{one_line(title)}"\n\n{told}\n\n' + "\n".join(trailers) + "\n"


def _promised(verified: Iterable[tuple[str, str]], guarded: Iterable[tuple[str, str]]) -> list[str]:
    told = [("Clerk-Verified", pair) for pair in verified]
    told += [("Clerk-Guarded", pair) for pair in guarded]
    return [f"{key}: {one_line(check)}@{one_line(tree)}" for key, (check, tree) in told]


def one_line(text: str) -> str:
    """``text`` on one line: runs of whitespace and control characters become one space."""
    return " ".join("".join(map(_harmless, text)).split())


def _several_lines(text: str) -> str:
    lines = ("".join(map(_harmless, line)).rstrip() for line in text.splitlines())
    return "\n".join(lines).strip()


def _harmless(character: str) -> str:
    """Control, format (bidi), surrogate and separator characters become a space."""
    category = unicodedata.category(character)
    return " " if category in {"Cc", "Cf", "Cs", "Zl", "Zp"} else character


def with_trailers(message: str, trailers: Iterable[tuple[str, str]]) -> str:
    """A message that ends with trailers, with some more of them."""
    return message + "".join(f"{key}: {one_line(value)}\n" for key, value in trailers)


def trailers_of(message: str) -> str:
    """The trailers at the end of a message of ours."""
    return message.rpartition("\n\n")[2]


def as_person(identity: Identity) -> str:
    """Somebody as a trailer names them, whatever stands in their name."""
    name, email = (one_line(word.translate(_BRACKETS)) for word in (identity.name, identity.email))
    return f"{name} <{email}>"
