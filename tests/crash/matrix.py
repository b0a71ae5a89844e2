"""Which hits of which points are tried in which scene, and what was tried so far."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from crash.forks import Forks
from crash.scenes import SCENES, Scene, Stage


@dataclass
class Matrix:
    """``dry_runs`` are the hits of each scene without a crash, as ``name:n``."""

    forks: Forks
    dry_runs: dict[str, list[str]]
    folder: Path
    figures: Counter[str] = field(default_factory=Counter)
    stages: list[Stage] = field(default_factory=list)

    def stage(self, scene: Scene) -> Stage:
        """The scene in a fresh yard."""
        place = self.folder / str(len(self.stages))
        self.stages.append(Stage.set(scene, place, self.forks))
        return self.stages[-1]

    def scene_of(self, point: str) -> tuple[Scene, int]:
        """The first scene that passes by a point, and how often it does."""
        for scene in SCENES:
            hits = sum(hit.rpartition(":")[0] == point for hit in self.dry_runs[scene.name])
            if hits:
                return scene, hits
        raise AssertionError(f"no scene passes by {point}")

    def kill_at(self, point: str, most: int) -> None:
        """Kill at each of some hits alone; at one of them at least it must come to that."""
        scene, hits = self.scene_of(point)
        tried = some(hits, most, seed=point)
        struck = sum(self.kill(scene, f"{point}:{number}") for number in tried)
        assert struck, f"{point} was never reached"
        self.figures["points"] += 1
        self.figures["hits known"] += hits

    def kill(self, scene: Scene, hit: str) -> bool:
        """Kill at one hit, and go on to the end; whether it came to that."""
        stage = self.stage(scene)
        struck = stage.play(f"kill {hit}")
        stage.finish()
        self.figures["kills"] += struck
        return struck


def some(hits: int, most: int, *, seed: str) -> list[int]:
    """All numbers up to ``hits`` where they are few; else the first and a sample of the others."""
    if hits <= most:
        return list(range(1, hits + 1))
    return sorted({1, *random.Random(seed).sample(range(2, hits + 1), most - 1)})
