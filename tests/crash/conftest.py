"""One server of forked commands for each test process, and the figures of the matrix."""

from __future__ import annotations

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
    """The hits of each scene without a crash, as ``name:n``; what each came to is judged, too."""
    return {scene.name: _dry_run(scene, forks, tmp_path_factory) for scene in SCENES}


def _dry_run(scene: Scene, forks: Forks, folders: pytest.TempPathFactory) -> list[str]:
    folder = folders.mktemp("dry")
    stage = Stage.set(scene, folder, forks)
    stage.play(record=folder / "hits")
    assert stage.seen[-1].code == 0, stage.seen[-1].said
    stage.judge()
    return recorded(folder / "hits")


@pytest.fixture
def stages(
    request: pytest.FixtureRequest, forks: Forks, tmp_path: Path
) -> Iterator[Callable[[Scene], Stage]]:
    """Stages without the dry runs, for tests that name their moments themselves."""
    begin, made = time.monotonic(), Matrix(forks, {}, tmp_path)
    yield made.stage
    _tell(request.config, made, begin)


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
