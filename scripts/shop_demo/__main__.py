"""The demo's story: make the shop, let the plan be built, show and prove what came out."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from orchestrator.plan.model import Plan
from shop_demo.ending import surprises, told
from shop_demo.git import environment, git
from shop_demo.proof import Bench, prove
from shop_demo.sample import PLAN, make_sample

SOME_TASK_FAILED = 1
"""How ``clerk run`` must end: the plan holds tasks that cannot succeed."""

HISTORY = "--format=%C(auto)%h %s%n%w(0,10,10)%(trailers:only,unfold)"


def main() -> int:
    options = arguments()
    folder = (options.dir or temporary_folder()).resolve()
    repository = make_sample(folder)
    say(f"The shop is in {repository}")
    ended_well = headless(repository) if options.headless else dashboard(repository)
    if ended_well and not (options.keep or options.dir):
        shutil.rmtree(folder)
    else:
        say(f"Everything is kept in {folder}; --dir {folder} carries on from there")
    return 0 if ended_well else 1


def temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="clerk-demo-"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Have a small web shop built by replayed agents, and prove what came out.",
    )
    parser.add_argument("--headless", action="store_true", help="no dashboard; ends by itself")
    parser.add_argument("--keep", action="store_true", help="keep the folder at the end")
    parser.add_argument("--dir", type=Path, help="work here, or carry on here; always kept")
    return parser.parse_args()


def headless(repository: Path) -> bool:
    """Run the plan to its end; whether exactly what was expected has happened."""
    code = clerk(repository, "run", str(PLAN), "--update-checkout")
    if code != SOME_TASK_FAILED:
        say(f"clerk run ended with {code}; {SOME_TASK_FAILED} was expected, since two tasks fail")
        return False
    show_history(repository)
    wrong = judge(repository)
    title("Not as expected" if wrong else "As expected")
    show("\n".join(wrong) or "Seven tasks landed, two failed, one could not start; main is green.")
    return not wrong


def dashboard(repository: Path) -> bool:
    """Start the plan in a background engine and look on; the engine ends with the demo."""
    try:
        started = clerk(repository, "start", str(PLAN), "--update-checkout")
        seen = started == 0 and clerk(repository, "dashboard") == 0
    finally:
        clerk(repository, "stop")
    show_history(repository)
    return seen


def show_history(repository: Path) -> None:
    title("What main is now")
    show(git(repository, "log", "--first-parent", HISTORY, "main"))


def judge(repository: Path) -> list[str]:
    """Check every commit of main by hand and tell it; the sentences of what is wrong."""
    plan = Plan.model_validate(yaml.safe_load(PLAN.read_text(encoding="utf-8")))
    title("Every commit of main, checked out and checked by hand")
    with tempfile.TemporaryDirectory(prefix="clerk-proof-") as folder:
        bench = Bench(repository, plan, Path(folder))
        wrong = []
        for proof in prove(repository, bench):
            mark = "red  " if proof.red else "green"
            show(f"{mark} {proof.landed.commit[:7]} {proof.landed.title}")
            show(f"      {' '.join([*(f'{name}!' for name in proof.red), *proof.green])}")
            wrong += [f"{name} is red at {proof.landed.commit[:7]}" for name in proof.red]
        return [*wrong, *surprises(told(status(repository), plan.name), repository, bench)]


def status(repository: Path) -> dict[str, object]:
    command = [clerk_program(), "status", "--json"]
    shown = subprocess.run(
        command, cwd=repository, env=environment(), stdout=subprocess.PIPE, check=True
    )
    answer: dict[str, object] = json.loads(shown.stdout)
    return answer


def clerk(repository: Path, *args: str) -> int:
    """Run a command in the foreground; an interrupt is the command's to answer, not ours."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(
            [clerk_program(), *args], cwd=repository, env=environment(), check=False
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def clerk_program() -> str:
    return str(Path(sys.executable).with_name("clerk"))


def title(text: str) -> None:
    show(f"\n{text}\n{'-' * len(text)}")


def show(text: str) -> None:
    print(text, flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
