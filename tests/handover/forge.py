"""A host of pull requests: a bare repository, and a ``gh`` that answers from a file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

URL = "https://forge.invalid/ada/shop"

_GH = """\
import json, subprocess, sys
from pathlib import Path

home, argv = Path(__file__).parent.parent, sys.argv[1:]
given = json.loads(sys.stdin.read() or "null") if "--input=-" in argv else None
with open(home / "asked.jsonl", "a") as log:
    print(json.dumps({"argv": argv, "given": given, "env": dict(__import__("os").environ)}), file=log)
if (home / "offline").exists():
    sys.exit("error connecting to forge.invalid\\ncheck your internet connection")
if (home / "refusal.json").exists():
    told = json.loads((home / "refusal.json").read_text())
    if argv[-1] == "rate_limit":
        print(json.dumps(told["limits"]))
        sys.exit(0)
    print(json.dumps({"message": told["message"]}))
    print(told["message"], file=sys.stderr)
    sys.exit(told["code"])
if argv[-1] == "repos/ada/shop":
    print((home / "repository.json").read_text())
    sys.exit(0)
pulls = json.loads((home / "pulls.json").read_text())


def shown(pull):
    asked = ["git", f"--git-dir={home / 'remote.git'}", "rev-parse", "-q", "--verify"]
    ref = f"refs/heads/{pull['branch']}"
    found = subprocess.run([*asked, ref], capture_output=True, text=True).stdout.strip()
    return {**pull, "head": {"sha": found or pull["sha"]}}


method = next(word for word in argv if word.startswith("--method=")).partition("=")[2]
path = argv[-1].removeprefix("repos/ada/shop/")
if method == "POST":
    assert not any(p["state"] == "open" and p["branch"] == given["head"] for p in pulls)
    number = len(pulls) + 1
    pulls.append({
        "number": number, "html_url": f"https://forge.invalid/ada/shop/pull/{number}",
        "state": "open", "branch": given["head"], "sha": "0" * 40, "reviews": [], **given,
    })
    answer = shown(pulls[-1])
elif path.startswith("pulls?"):
    answer = [shown(p) for p in pulls if p["state"] == "open" and p["branch"].replace("/", "%2F") in path.replace("/", "%2F")]
elif path.split("/")[1:][1:]:
    answer = pulls[int(path.split("/")[1]) - 1]["reviews"]
else:
    pull = pulls[int(path.split("/")[1]) - 1]
    pull.update(given or {})
    answer = shown(pull)
(home / "pulls.json").write_text(json.dumps(pulls))
print(json.dumps(answer))
"""


@dataclass(frozen=True)
class Forge:
    """What stands in for the host; ``home`` is the owner's home, too."""

    home: Path

    @classmethod
    def make(cls, yard) -> Forge:
        """A host that the yard's ``origin`` leads to, by the owner's own configuration."""
        made = cls(yard.home)
        yard.git("clone", "-q", "--bare", str(yard.path), str(made.remote))
        yard.git("remote", "add", "origin", f"{URL}.git")
        (made.home / ".gitconfig").write_text(f'[url "{made.remote}"]\n\tinsteadOf = {URL}.git\n')
        (made.home / "bin").mkdir()
        (made.home / "pulls.json").write_text("[]")
        (made.home / "repository.json").write_text('{"fork": false}')
        (made.home / "gh.py").write_text(_GH.replace("parent.parent", "parent"))
        made.install()
        return made

    def install(self) -> None:
        gh = self.home / "bin/gh"
        gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{self.home}/gh.py" "$@"\n')
        gh.chmod(0o755)

    @property
    def remote(self) -> Path:
        return self.home / "remote.git"

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": f"{self.home / 'bin'}:/usr/bin:/bin"}

    @property
    def asked(self) -> list[dict]:
        log = self.home / "asked.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def pulls(self) -> list[dict]:
        return json.loads((self.home / "pulls.json").read_text())

    def set(self, number: int, **facts) -> None:
        pulls = self.pulls
        pulls[number - 1] |= facts
        (self.home / "pulls.json").write_text(json.dumps(pulls))

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=Rev", "-c", "user.email=rev@example.org")
        argv = ["git", "--git-dir", str(self.remote), *who, *args]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def commit_on(self, ref: str, message: str, *parents: str) -> str:
        """A commit with the tree of the last of ``parents`` that ``ref`` is at from then on."""
        told = [word for parent in parents for word in ("-p", parent)]
        made = self.git("commit-tree", f"{parents[-1]}^{{tree}}", *told, "-m", message)
        self.git("update-ref", ref, made)
        return made

    def refuse(self, message: str, code: int = 1, **limits) -> None:
        """Have ``gh`` refuse from now on; without a message no more."""
        file = self.home / "refusal.json"
        told = {"message": message, "code": code, "limits": limits}
        file.write_text(json.dumps(told)) if message else file.unlink()

    def squash(self, number: int, message: str) -> str:
        """As a person does by the other button: one commit, which is not ours."""
        head = f"refs/heads/{self.pulls[number - 1]['branch']}"
        tree = self.git("merge-tree", "--write-tree", "refs/heads/main", head)
        made = self.git("commit-tree", tree, "-p", "refs/heads/main", "-m", message)
        self.git("update-ref", "refs/heads/main", made)
        self.set(
            number,
            state="closed",
            merged_at="2026-01-01T00:00:00Z",
            merge_commit_sha=made,
            sha=self.git("rev-parse", head),
        )
        return made

    def merge(self, number: int) -> str:
        """As a person does by the button."""
        head = f"refs/heads/{self.pulls[number - 1]['branch']}"
        made = self.commit_on("refs/heads/main", "merged", "refs/heads/main", head)
        self.set(number, state="closed", merged_at="2026-01-01T00:00:00Z", merge_commit_sha=made)
        return made
