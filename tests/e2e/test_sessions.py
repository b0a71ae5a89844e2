"""What agents do to their worktree, their processes and their logs, by design or by mistake."""

from __future__ import annotations

from waiting import is_gone

DAEMON = """\
setsid sh -c 'echo $$ > "$GATES/new"; mv "$GATES/new" "$GATES/daemon.pid"; exec sleep 100000' &
until [ -e "$GATES/daemon.pid" ]; do sleep 0.05; done
echo good > daemon.txt"""
FLOOD = "head -c 50000000 /dev/zero | tr '\\0' x | fold -w 1000; echo good > flood.txt"


def test_neither_a_daemon_nor_a_flood_of_output_outlives_its_session(yard):
    plan = yard.plan({"daemon": DAEMON, "flood": FLOOD}, parallel=2)
    yard.clerk("run", str(plan), "--merge", "auto", CLERK_LOG_BYTES="1000000")
    assert is_gone(yard.begun("daemon"))
    log = yard.state / "logs/p/flood/1/session.log"
    assert 500_000 < log.stat().st_size <= 1_000_000
    assert b"bytes left out here" in log.read_bytes()
    transcript = yard.clerk("log", "flood").stdout
    assert transcript.count("\n") > 100
    assert yard.git("show", "main:flood.txt") == "good"


def test_whatever_an_agent_does_with_git_its_commits_are_kept(yard):
    plan = yard.plan(
        {
            "commits": "echo good > c.txt; git add -A; git commit -qm 'my own words'; echo good > d.txt",
            "detaches": "git checkout -q --detach; echo good > e.txt; git add -A; git commit -qm loose",
            "forgets": "git checkout -q --detach; git commit -q --amend --allow-empty -m mine",
            "branches": "git checkout -q -b mine; echo good > f.txt; git add -A; git commit -qm far",
        },
        budget={"attempts": 1},
    )
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    log = yard.git("log", "--format=%s", "main").splitlines()
    assert {"my own words", "loose", "far"} <= set(log)
    assert "commits: what session 1 left uncommitted" in log
    assert [yard.git("show", f"main:{name}.txt") for name in "cdef"] == ["good"] * 4
    lost = yard.status()["forgets"]
    assert "the history of 'clerk/p/forgets' was rewritten" in lost["reason"]
    kept = yard.git("for-each-ref", "--format=%(objectname)", "refs/clerk/keep/p/forgets").split()
    assert "mine" in [yard.git("log", "-1", "--format=%s", commit) for commit in kept]


def test_paths_that_are_not_the_tasks_never_land(yard):
    yard.write("rules/law.md", "the law\n")
    yard.git("branch", "-f", "main", yard.commit("rules"))
    stray = "echo good > cart.txt; echo good > other.txt"
    plan = yard.plan(
        {
            "strays": {"do": [stray, "git rm -qf other.txt"], "touches": ["cart*"]},
            "breaks": {
                "do": "echo good > b.txt; echo mine > rules/law.md",
                "budget": {"attempts": 2},
            },
        },
        protect=["rules/**"],
    )
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    tasks = yard.status()
    assert (tasks["strays"]["state"], tasks["strays"]["attempts_used"]) == ("merged", 2)
    told = yard.prompt("strays", 2)
    assert "changed paths outside its scope: other.txt" in told
    assert (tasks["breaks"]["state"], tasks["breaks"]["attempts_used"]) == ("failed", 2)
    assert "changed paths that no session may change: rules/law.md" in tasks["breaks"]["reason"]
    gate = next(g for g in tasks["breaks"]["gates"] if g["name"] == "protected paths untouched")
    assert (gate["open"], gate["reason"]) == (False, "changes protected paths: rules/law.md")
    page = yard.clerk("status", "breaks").stdout
    assert "✗ protected paths untouched: changes protected paths: rules/law.md" in page
    assert "· merged result verified: verified as merged when it lands" in page, "not reached yet"
    assert yard.git("ls-tree", "--name-only", "main", "other.txt", "b.txt") == ""
    assert yard.git("show", "main:rules/law.md") == "the law"


def test_a_worktree_gets_what_the_plan_says_and_the_users_own_stays_as_it_is(yard):
    yard.write(".gitignore", ".env\nmodules/\nready\n")
    yard.git("branch", "-f", "main", yard.commit("ignore"))
    yard.write(".env", "SECRET=1\n")
    yard.write("modules/deep/lib.js", "code\n")
    proof = '[ "$MODE" = test ] && grep -q 1 .env && [ -e ready ] && cat modules/deep/lib.js'
    plan = yard.plan(
        {
            "a": f"{proof} > a.txt || exit 9; echo mine > modules/deep/lib.js; echo x > .env; echo good >> a.txt"
        },
        checks={"unit": {"run": f"{proof} && sh check.sh"}},
        worktree={
            "copy": [".env"],
            "share": ["modules"],
            "setup": ["touch ready"],
            "env": {"MODE": "test"},
        },
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("show", "main:a.txt") == "code\ngood"
    assert (yard.path / ".env").read_text() == "SECRET=1\n"
    assert (yard.path / "modules/deep/lib.js").read_text() == "code\n"
    assert yard.git("ls-tree", "-r", "--name-only", "main").split() == [
        ".gitignore",
        "a.txt",
        "check.sh",
        "first.txt",
    ]
