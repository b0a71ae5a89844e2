"""One server of forked commands for each test process, and the figures of the matrix."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash.forks import Forks
from crash.matrix import Matrix
from crash.scenes import SCENES, Scene, Stage, recorded

_FIGURES = "crash_figures"


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with Forks() as started:
        yield started


@pytest.fixture(scope="session")
def dry_runs(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The hits of each scene without a crash, as ``name:n``; what each came to is judged, too.

    Test processes share them; every other one begins at the end, so that they wait less.
    """
    folder, worker = tmp_path_factory.getbasetemp(), os.environ.get("PYTEST_XDIST_WORKER", "")
    shared = folder.parent if worker else folder
    order = SCENES[::-1] if worker.endswith(("1", "3", "5", "7", "9")) else SCENES
    return {scene.name: _dry_run(scene, forks, shared / f"dry-{scene.name}") for scene in order}


def _dry_run(scene: Scene, forks: Forks, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    hits, judged = folder / "hits", folder / "judged"
    with (folder / "held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not judged.exists():
            stage = Stage.set(scene, folder, forks)
            stage.play(record=hits)
            assert stage.seen[-1].code == 0, stage.seen[-1].said
            stage.judge()
            judged.touch()
    return recorded(hits)


@pytest.fixture
def hand_made(request: pytest.FixtureRequest, forks: Forks, tmp_path: Path) -> Iterator[Matrix]:
    """A matrix without the dry runs, for tests that name their moments themselves."""
    made, begin = Matrix(forks, {}, tmp_path), time.monotonic()
    yield made
    _tell(request.config, made, begin)


@pytest.fixture
def stages(hand_made: Matrix) -> Callable[[Scene], Stage]:
    return hand_made.stage


@pytest.fixture
def matrix(
    request: pytest.FixtureRequest, forks: Forks, dry_runs: dict[str, list[str]], tmp_path: Path
) -> Iterator[Matrix]:
    made, begin = Matrix(forks, dry_runs, tmp_path), time.monotonic()
    yield made
    _tell(request.config, made, begin)


def _tell(config: pytest.Config, matrix: Matrix, begin: float) -> None:
    told = config.stash.setdefault(_STASH, Counter())
    told.update(matrix.figures)
    told["runs"] += sum(stage.runs for stage in matrix.stages)
    told["seconds"] += round(time.monotonic() - begin)


_STASH = pytest.StashKey[Counter]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_FIGURES] = dict(session.config.stash.get(_STASH, Counter()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    told = node.config.stash.setdefault(_STASH, Counter())
    told.update(getattr(node, "workeroutput", {}).get(_FIGURES, {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if told := config.stash.get(_STASH, Counter()):
        terminalreporter.write_line(
            "crash matrix: " + ", ".join(f"{number} {name}" for name, number in told.items())
        )
