"""Agents that misbehave: the right outcome and a sentence, and the others land as usual.

All of them are tasks of one plan, so that each row is also the test of its neighbours.
"""

from __future__ import annotations

import sqlite3

import pytest
from waiting import until_blocking

from .fingerprint import Fingerprint

# What a session does, how it ends, and a word of the reason why; "" where its work is good.
ROWS: dict[str, tuple[str, str, str]] = {
    "nothing": ("true", "no_change", ""),
    "exit-137": ("exit 137", "failed", "137"),
    "exit-139": ("exit 139", "failed", "139"),
    "killed": ("kill -9 $$", "failed", "137"),
    "segfault": ("kill -11 $$", "failed", "139"),
    "missing": ("exec /nowhere/agent", "failed", "not found"),
    "not-executable": ("exec ./first.txt", "failed", "denied"),
    "enoexec": ("printf '\\0\\1' > x; chmod +x x; exec ./x", "failed", ""),
    "long-line": ("head -c 20000000 /dev/zero | tr '\\0' x; exit 3", "failed", "3"),
    "binary": ("printf '\\377\\376\\001\\002\\000bye\\n'; exit 3", "failed", "bye"),
    "ansi": ("printf '\\033[2J\\033]52;c;AA==\\007 bye\\n'; exit 3", "failed", "bye"),
    "surrogates": ("printf '\\355\\240\\200 \\377 bye\\n'; exit 3", "failed", "bye"),
    "huge-numbers": (
        """echo '{"clerk": {"input_tokens": 1e400, "cost_usd": NaN, "context_share": -1}}'
        printf '{"clerk": {"input_tokens": '; head -c 9000 /dev/zero | tr '\\0' 9; echo '}}'
        echo '{"clerk": {"output_tokens": "many", "cost_usd": []}}'
        echo '{"clerk": {"rate_limited_until": "soon"}}' > /dev/null; exit 3""",
        "failed",
        "3",
    ),
    "deep-json": (
        """printf '{"clerk": '; head -c 99999 /dev/zero | tr '\\0' [; exit 3""",
        "failed",
        "3",
    ),
    "removes-itself": ('d=$PWD; cd /; rm -rf "$d"', "no_change", ""),
    "becomes-a-link": (
        'd=$PWD; cd /; rm -rf "$d"; mkdir -p "$HOME/secret"; echo s > "$HOME/secret/s.txt"; ln -s "$HOME/secret" "$d"',
        "no_change",
        "",
    ),
    "becomes-a-file": ('d=$PWD; cd /; rm -rf "$d"; echo x > "$d"', "no_change", ""),
    "detached": (
        "git checkout -q --detach; echo good > a.txt; git add .; git commit -qm x",
        "completed",
        "",
    ),
    "branch-renamed": (
        "git branch -m gone-$$; echo good > b.txt; git add .; git commit -qm x",
        "completed",
        "",
    ),
    "branch-is-main": (
        "git symbolic-ref refs/heads/clerk/p/branch-is-main refs/heads/main",
        "abandoned",
        "pointer",
    ),
    "orphan": ("git checkout -q --orphan new; git commit -qm x", "no_change", "rewritten"),
    "merge-left": ("git merge --no-commit --no-ff HEAD; echo good > m.txt", "completed", ""),
    "date-1970": (
        "echo good > d.txt; git add .; GIT_AUTHOR_DATE='@1 +0000' GIT_COMMITTER_DATE='@1 +0000' git commit -qm x",
        "completed",
        "",
    ),
    "date-2100": (
        "echo good > e.txt; git add .; GIT_AUTHOR_DATE='@4102444800 +0000' git commit -qm x",
        "completed",
        "",
    ),
    "escape-in-author": (
        "echo good > f.txt; git add .; GIT_AUTHOR_NAME=$(printf 'a\\033[31mb') git commit -qm x",
        "completed",
        "",
    ),
    "pipe": ("mkfifo pipe; echo good > g.txt", "completed", ""),
    "pipe-ignore": ("mkfifo .gitignore; echo good > h.txt", "completed", ""),
    "pipe-attributes": ("mkdir s; mkfifo s/.gitattributes; echo good > s/i.txt", "completed", ""),
    "link-attributes": ("ln -s /etc/passwd .gitattributes; echo good > j.txt", "completed", ""),
    "sparse": ("truncate -s 1T huge; echo good > k.txt", "completed", ""),
    "deep-tree": (
        'python3 -c \'import os\nfor _ in range(3000):\n os.mkdir("d"); os.chdir("d")\'; echo good > l.txt',
        "completed",
        "",
    ),
    "unreadable": ("mkdir n; echo good > n/n.txt; chmod 000 n", "completed", ""),
    "odd-names": ("echo good > $(printf 'a\\nb\\033.txt'); echo good > o.txt", "completed", ""),
    "nested-repository": (
        "git init -q inner; echo good > inner/x.txt; echo good > q.txt",
        "completed",
        "",
    ),
    "index-lock": (
        'touch "$(git rev-parse --git-dir)/index.lock"; echo good > r.txt',
        "completed",
        "",
    ),
    "case-twins": ("echo good > S.txt; echo good > s.txt", "completed", ""),
}


@pytest.mark.slow
def test_each_is_judged_and_the_others_land(yard):
    path = yard.plan(
        {name: line for name, (line, _, _) in ROWS.items()} | {"honest": "echo good > honest.txt"},
        budget={"attempts": 1, "wall": "60s", "idle": "30s"},
        parallel=4,
    )
    done = yard.clerk("run", str(path), "--merge", "auto", code=None, CLERK_SANDBOX="none")
    tasks = yard.status()
    attempts = stored_attempts(yard)
    assert tasks["honest"]["state"] == "merged", done.stderr
    wrong = {}
    for name, (_, outcome, word) in ROWS.items():
        found, reason = attempts.get(name, ("", ""))
        told = f"{reason} {tasks[name]['reason']} {tasks[name]['held']}"
        if found != outcome or word not in told or not told.isprintable():
            wrong[name] = (found, told, tasks[name]["state"])
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
    until_blocking(lambda: not Fingerprint.of(yard.home, yard.state).processes)


def stored_attempts(yard) -> dict[str, tuple[str, str]]:
    """Each task's last attempt: its outcome and the reason."""
    with sqlite3.connect(yard.state / "clerk.db") as connection:
        rows = connection.execute("SELECT task, outcome, reason FROM attempt ORDER BY number")
        found = {task: (str(outcome).lower(), reason) for task, outcome, reason in rows}
    connection.close()
    return found
