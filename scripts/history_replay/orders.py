"""What the engine is given for one round: a plan, its replay script, and the builder beside them.

Pure but for ``write_orders``. A change starts when what its base held has landed, so that it is
made on what it was made on; all that was open at once is open at once here.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from history_replay.changes import direct
from history_replay.yard import TARGET
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from history_replay.yard import Pick, Yard

BUILDER = Path(__file__).with_name("builder.py")
CHECK = "tests"
ATTEMPTS = 3
_LONGEST_TITLE = 200
_STEP = 'exec "$REPLAY_PYTHON" -I "$CLERK_SCRIPT_DIR/builder.py" "$CLERK_SCRIPT_DIR/story.json" '


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said of how it is to be replayed; empty where nothing was said."""

    test: str
    setup: tuple[str, ...] = ()
    lend: tuple[str, ...] = ()
    parallel: int = 4
    timeout: float = 600.0
    queue: dict[str, Any] = field(default_factory=dict)


def plan_of(name: str, picks: Sequence[Pick], wishes: Wishes) -> dict[str, Any]:
    """The plan of one round as a document."""
    changes = [pick.change for pick in picks]
    tasks = [
        {
            "id": change.id,
            "title": _line(change.title) or change.id,
            "brief": f"Make the change that history has as {change.commit}.",
            "after": direct(change, changes),
            "done_when": [CHECK],
        }
        for change in changes
    ]
    worktree = {"setup": list(wishes.setup), "needs": {"paths": list(wishes.lend)}}
    python = {"REPLAY_PYTHON": sys.executable}
    return {
        "clerk": 1,
        "name": name,
        "target": TARGET,
        "merge": "auto",
        "parallel": wishes.parallel,
        **({"queue": wishes.queue} if wishes.queue else {}),
        "agent": "history",
        "agents": {"history": {"type": "replay", "script": "replay.yaml", "env": python}},
        "budget": {"attempts": ATTEMPTS},
        "worktree": worktree,
        "checks": {CHECK: {"kind": "unit", "run": wishes.test, "timeout": wishes.timeout}},
        "tasks": tasks,
    }


def script_of(picks: Sequence[Pick]) -> dict[str, Any]:
    """Every attempt is the same to the script: the builder looks what there is to do."""
    return {
        "tasks": {pick.change.id: [{"run": _STEP + pick.change.id}] for pick in picks},
    }


def story_of(yard: Yard) -> dict[str, Any]:
    """What the builder knows of history."""
    changes = {
        pick.change.id: {
            "commit": pick.change.commit,
            "pick": pick.commit,
            "paths": list(pick.paths),
        }
        for pick in yard.picks
    }
    return {"start": yard.start, "changes": changes}


def write_orders(
    folder: Path, name: str, yard: Yard, picks: Sequence[Pick], wishes: Wishes
) -> Path:
    """Write a round's files; the path of its plan."""
    folder.mkdir(parents=True)
    shutil.copy(BUILDER, folder / "builder.py")
    (folder / "story.json").write_text(json.dumps(story_of(yard)), encoding="utf-8")
    for path, document in (
        ("replay.yaml", script_of(picks)),
        ("plan.yaml", plan_of(name, picks, wishes)),
    ):
        (folder / path).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return folder / "plan.yaml"


def _line(text: str) -> str:
    return safe_text(text, one_line=True, limit=_LONGEST_TITLE).strip()
