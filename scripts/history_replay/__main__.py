"""The replay's story: clone, make the changes ready, let the engine land them, prove and tell."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from history_replay.git import GitFailed
from history_replay.orders import Wishes
from history_replay.proof import Bench, altered, differing, lost, steps, values
from history_replay.report import Report, as_data, lines
from history_replay.rounds import RunFailed, replay
from history_replay.yard import NothingToReplay, Yard, make_yard
from orchestrator.plan.scalars import Duration

MOST_PROVEN_UNASKED = 20
EACH_COMMIT = {"strict", "serial"}
"""Modes that promise more than the values the target takes: each commit of it."""
BAD_USAGE = 2
DID_NOT_HOLD = 1


class NotGreen(Exception):
    """The tests do not pass where the replay starts; the message tells how they ended."""


def main() -> int:
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="clerk-replay-"))
    try:
        report = replayed(options, folder)
    except (GitFailed, NothingToReplay, NotGreen, RunFailed) as error:
        say(f"replay: {error}")
        return BAD_USAGE
    finally:
        if options.keep:
            say(f"Everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(as_data(report), indent=2) if options.json else "\n".join(lines(report))
    print(text, flush=True)
    return 0 if report.promise_held else DID_NOT_HOLD


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="replay",
        description="Land the last changes of a repository once more, in a clone, and prove what"
        " came out. The repository itself is only read.",
        epilog="Exit codes: 0 the promise held, 1 it did not, 2 it could not be tried.",
    )
    add = parser.add_argument
    add("repository", metavar="REPO", help="a repository's folder, or its address")
    add("--last", type=_count, default=20, metavar="N", help="how many changes (20)")
    add("--test", required=True, metavar="COMMAND", help="what must pass, for sh")
    add(
        "--target",
        default="",
        metavar="BRANCH",
        help="whose history, instead of the default branch",
    )
    add("--parallel", type=_count, default=4, metavar="P", help="sessions at once (4)")
    add("--together", type=_count, default=8, metavar="K", help="changes open at once (8)")
    add("--mode", choices=("auto", "strict", "tip", "serial"), help="how the queue verifies")
    add("--slots", type=_count, metavar="S", help="verifications at once")
    add(
        "--setup", action="append", default=[], metavar="COMMAND", help="run in each fresh worktree"
    )
    add("--lend", action="append", default=[], metavar="PATH", help="shown to the tests' sandbox")
    add(
        "--timeout",
        type=_duration,
        default=600.0,
        metavar="TIME",
        help="longest run of the tests (10m)",
    )
    add("--prove", action=argparse.BooleanOptionalAction, help="test each value by hand")
    add("--keep", action="store_true", help="keep the folder at the end")
    add("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def replayed(options: argparse.Namespace, folder: Path) -> Report:
    """The whole of it, in ``folder``."""
    near = Path(options.repository)
    address = str(near.resolve()) if near.exists() else options.repository
    yard = make_yard(address, options.target, folder, last=options.last, together=options.together)
    wishes = wishes_of(options)
    require_green(yard, folder, wishes)
    tally = replay(yard, folder / "rounds", wishes, say)
    taken = values(yard.clone)
    landed = [fate.landed for fate in tally.landed()]
    proofs = None
    if options.prove or (options.prove is None and len(taken) <= MOST_PROVEN_UNASKED + 1):
        between = steps(yard) if options.mode in EACH_COMMIT else []
        commits = list(dict.fromkeys([*taken, *between]))
        say(f"Testing {len(commits)} commits of the target by hand")
        (folder / "proof").mkdir()
        bench = Bench(yard.clone, folder / "proof", wishes)
        proofs = list(bench.prove(commits, options.slots or os.cpu_count() or 1))
    return Report(
        yard, tally, taken, proofs, lost(yard.clone, landed), altered(yard), differing(yard)
    )


def wishes_of(options: argparse.Namespace) -> Wishes:
    queue = {"mode": options.mode, "slots": options.slots}
    return Wishes(
        test=options.test,
        setup=tuple(options.setup),
        lend=tuple(options.lend),
        parallel=options.parallel,
        timeout=options.timeout,
        queue={name: value for name, value in queue.items() if value is not None},
    )


def require_green(yard: Yard, folder: Path, wishes: Wishes) -> None:
    """Nothing could land on a red target, and nobody would be to blame."""
    (folder / "start").mkdir()
    (proof,) = Bench(yard.clone, folder / "start", wishes).prove([yard.start], 1)
    if not proof.green:
        where = f"the tests fail where the replay starts, {yard.start[:9]}"
        raise NotGreen(f"{where}; choose another --last or --test\n{proof.told.rstrip()}")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _duration(text: str) -> float:
    try:
        return TypeAdapter[float](Duration).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError("write it like 90s or 10m") from error


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
