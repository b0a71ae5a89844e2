"""What is examined: a folder, the repository and the settings found there, and a plan if one is named."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from orchestrator.errors import CannotRun, UsageError
from orchestrator.git.repository import Repository
from orchestrator.settings import Settings, load_settings

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan

_NOWHERE = Path("/nonexistent")


@dataclass(frozen=True)
class Ground:
    """``no_repository`` and ``bad_settings`` say why there is none, in the engine's own words."""

    start: Path
    asked_for: bool
    repository: Repository | None
    settings: Settings
    environ: Mapping[str, str]
    no_repository: str = ""
    bad_settings: str = ""
    plan: Plan | None = None
    plan_folder: Path = field(default=_NOWHERE)

    @classmethod
    def survey(
        cls, repo: Path | None, *, plan: Plan | None = None, plan_folder: Path = _NOWHERE
    ) -> Self:
        """What is found at ``repo``, the current folder if none was asked for."""
        start = repo or Path.cwd()
        repository, no_repository = None, ""
        try:
            repository = Repository.discover(start)
        except CannotRun as error:
            no_repository = str(error)
        settings, bad_settings = _settings(repository)
        return cls(
            start=start,
            asked_for=repo is not None,
            repository=repository,
            settings=settings,
            environ=dict(os.environ),
            no_repository=no_repository,
            bad_settings=bad_settings,
            plan=plan,
            plan_folder=plan_folder,
        )

    @property
    def home(self) -> Path:
        return Path(self.environ.get("HOME") or _NOWHERE)

    @property
    def places(self) -> tuple[Path, ...]:
        """Where the engine would write: its state and the worktrees, or the folder itself."""
        if self.repository is None:
            return (self.start,)
        return (self.repository.state_dir, self.repository.worktrees_dir)


def _settings(repository: Repository | None) -> tuple[Settings, str]:
    folder = repository.state_dir if repository else _NOWHERE
    try:
        return load_settings(folder, os.environ), ""
    except UsageError as error:
        return load_settings(_NOWHERE, {}), str(error)
