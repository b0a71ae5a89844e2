"""The demo's story around the engine: the sample is made once, and its end is judged by hand."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import shop_demo.__main__ as demo
from demo.builders import THE_PLAN, Site
from shop_demo.ending import BLOCKED, IDLE, LANDED, WRONG, Told, surprises, told
from shop_demo.git import git
from shop_demo.proof import Bench, history, prove
from shop_demo.sample import make_sample

AS_EXPECTED = [
    *(Told(task, "merged", "") for task in sorted(LANDED)),
    Told(IDLE, "failed", "no change"),
    Told(WRONG, "failed", "payment is red"),
    Told(BLOCKED, "failed", "blocked by payment"),
]


@pytest.fixture
def ended(site: Site) -> Site:
    """A shop in which everything has happened that should, done by plain git."""
    site.build(WRONG)
    site.git("branch", "--move", WRONG, f"clerk/shop/{WRONG}")
    site.git("branch", f"clerk/shop/{IDLE}", "main")
    for task in ("stock", "currency", "search", "cart-total"):
        site.build(task)
        if task == "cart-total":
            site.attempt(task, 2)
        site.land(task)
    for task in ("origin", "invoice", "shipping"):
        site.start(task)
        if task == "origin":
            site.git("checkout", "--quiet", "HEAD")
            site.shell('cp "$CLERK_SCRIPT_DIR/patches/catalogue.resolved.py" shop/catalogue.py')
            site.git("commit", "--quiet", "--all", "--message=Both columns")
        else:
            site.attempt(task, 2 if task == "invoice" else 1)
        site.land(task)
    return site


def judged(site: Site, folder: Path, tasks: list[Told]) -> list[str]:
    folder.mkdir()
    return list(surprises(tasks, site.folder, Bench(site.folder, THE_PLAN, folder)))


def without(task: str, *others: Told) -> list[Told]:
    return [*(one for one in AS_EXPECTED if one.id != task), *others]


def test_the_sample_is_made_once_and_carried_on_with(tmp_path: Path) -> None:
    first = make_sample(tmp_path)
    (first / "README.md").write_text("changed\n", encoding="utf-8")
    assert make_sample(tmp_path) == first
    assert (first / "README.md").read_text(encoding="utf-8") == "changed\n"


def test_two_samples_are_the_same_commit(tmp_path: Path) -> None:
    made = {git(make_sample(tmp_path / name), "rev-parse", "main") for name in ("a", "b c'd")}
    assert len(made) == 1


def test_a_sample_that_was_killed_while_being_built_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copytree", lambda *_args, **_options: sys.exit("killed"))
        with pytest.raises(SystemExit):
            make_sample(tmp_path)
    (tmp_path / ".shop-left-behind" / "shop").mkdir(parents=True)
    assert git(make_sample(tmp_path), "status", "--porcelain") == ""


def test_the_sample_ignores_what_surrounds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git(make_sample(tmp_path / "here"), "rev-list", "--count", "main") == "1"


def test_the_proof_finds_a_commit_that_breaks_its_promise(site: Site, tmp_path: Path) -> None:
    site.build("search")
    site.land("search")
    site.build("cart-total")
    site.land("cart-total")
    (tmp_path / "bench").mkdir()
    proofs = list(prove(site.folder, Bench(site.folder, THE_PLAN, tmp_path / "bench")))
    assert [(proof.landed.task, proof.green, proof.red) for proof in proofs] == [
        ("", ("unit", "e2e"), ()),
        ("search", ("unit", "e2e", "search"), ()),
        ("cart-total", ("unit", "e2e", "search"), ("cart-total",)),
    ]


def test_the_proof_leaves_the_repository_as_it_was(site: Site, tmp_path: Path) -> None:
    before = site.git("for-each-ref"), site.git("worktree", "list"), site.git("status", "-s")
    (tmp_path / "bench").mkdir()
    assert len(list(prove(site.folder, Bench(site.folder, THE_PLAN, tmp_path / "bench")))) == 1
    after = site.git("for-each-ref"), site.git("worktree", "list"), site.git("status", "-s")
    assert before == after


def test_nothing_surprises_in_the_expected_end(ended: Site, tmp_path: Path) -> None:
    assert judged(ended, tmp_path / "bench", AS_EXPECTED) == []


def test_every_wrong_end_is_told(ended: Site, tmp_path: Path) -> None:
    def tell(tasks: list[Told]) -> str:
        return " / ".join(judged(ended, tmp_path / str(len(list(tmp_path.iterdir()))), tasks))

    assert "merged should be" in tell(without("search", Told("search", "failed", "")))
    assert "failed should be" in tell(without(WRONG, Told(WRONG, "running", "")))
    assert "settled because of payment" in tell(without(BLOCKED, Told(BLOCKED, "failed", "tired")))
    ended.start("by-hand")
    ended.git("commit", "--quiet", "--allow-empty", "--message=by hand")
    ended.land("by-hand")
    assert "one commit for each" in tell(AS_EXPECTED)
    ended.git("branch", "--force", f"clerk/shop/{IDLE}", ended.git("commit-tree", "main^{tree}"))
    assert f"{IDLE} should have left no commit" in tell(AS_EXPECTED)
    ended.git("branch", "--delete", "--force", f"clerk/shop/{WRONG}")
    assert "it is gone" in tell(AS_EXPECTED)


def test_a_failed_task_whose_criterion_is_green_is_told(ended: Site, tmp_path: Path) -> None:
    ended.git("switch", "--quiet", f"clerk/shop/{WRONG}")
    (ended.folder / "e2e" / "payment.py").write_text(
        "from unittest import TestCase\n\n\nclass Bent(TestCase):\n    def test_it(self): pass\n",
        encoding="utf-8",
    )
    ended.git("commit", "--quiet", "--all", "--message=bend the criterion")
    wrong = judged(ended, tmp_path / "bench", AS_EXPECTED)
    assert wrong == ["payment has failed, and yet its criterion is green on its branch"]


@pytest.fixture
def clerk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clerk that has done its work already: it runs, fails two tasks and tells its status."""
    program = tmp_path / "clerk"
    status = tmp_path / "status.json"
    tasks = [{"id": one.id, "state": one.state, "reason": one.reason} for one in AS_EXPECTED]
    status.write_text(json.dumps({"plans": [{"name": "shop", "tasks": tasks}]}), encoding="utf-8")
    program.write_text(
        f"#!/bin/sh\ncase $1 in run) exit 1;; status) cat '{status}';; esac\n", encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setattr(demo, "clerk_program", lambda: str(program))
    return program


def play(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["demo", *args])
    return demo.main()


def test_a_demo_that_went_well_says_so(
    ended: Site, clerk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Bench, "holds", lambda _bench, check, _tree: check != WRONG)
    assert play(monkeypatch, "--headless", "--dir", str(ended.folder.parent)) == 0
    told_by_demo = capfd.readouterr().out
    assert "Clerk-Task: shipping" in told_by_demo
    assert told_by_demo.count("\ngreen ") == len(LANDED) + 1
    assert "Seven tasks landed, two failed, one could not start" in told_by_demo
    assert ended.folder.exists()


def test_a_demo_in_which_nothing_landed_is_not_a_success(
    tmp_path: Path, clerk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert play(monkeypatch, "--headless", "--dir", str(tmp_path / "fresh")) == 1
    assert "main should have one commit for each of" in capfd.readouterr().out


def test_an_engine_that_cannot_run_ends_the_demo_at_once(
    tmp_path: Path, clerk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clerk.write_text("#!/bin/sh\nexit 4\n", encoding="utf-8")
    assert play(monkeypatch, "--headless", "--dir", str(tmp_path / "fresh")) == 1
    assert "clerk run ended with 4" in capfd.readouterr().err


def test_a_demo_cleans_up_after_itself_unless_asked_not_to(
    tmp_path: Path, clerk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "headless", lambda _repository: True)
    for kept, args in ((False, []), (True, ["--keep"])):
        folder = tmp_path / f"temporary-{kept}"
        folder.mkdir()
        monkeypatch.setattr(demo, "temporary_folder", lambda folder=folder: folder)
        assert play(monkeypatch, "--headless", *args) == 0
        assert folder.exists() is kept


def test_the_history_is_read_from_the_trailers(ended: Site) -> None:
    landed = history(ended.folder)
    assert landed[0].title == "The tea shop opens"
    assert {commit.task for commit in landed[1:]} == LANDED


def test_tasks_of_other_plans_are_not_ours() -> None:
    task = {"id": "stock", "state": "merged", "reason": ""}
    status = {"plans": [{"name": "other", "tasks": [task]}, {"name": "shop", "tasks": []}]}
    assert told(status, "shop") == []
