"""The battery: confined it changes nothing and learns nothing; unconfined every attack bites."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from sandboxes import assault
from sandboxes.battery import ATTACKS
from sandboxes.ground import SECRET
from somebody import as_somebody

pytestmark = pytest.mark.anyio

LEAST_CHANGED = 300


def held(damage: assault.Damage) -> None:
    """Everything was tried, and nothing came of it."""
    print(f"{damage.tried} attacks: {len(damage.changed)} changed outside, {damage.worked} worked")
    assert (damage.changed, damage.worked) == ([], []), damage.said
    assert damage.tried == len(ATTACKS), damage.said


async def test_confined_nothing_outside_is_changed_or_learnt(
    tmp_path: Path, bwrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    held(await assault.confined(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_confined_by_somebody_who_is_not_root_neither(bwrap: str, system_python: str) -> None:
    told = as_somebody(system_python, Path(assault.__file__))
    held(assault.Damage(**json.loads(told)))


@pytest.mark.slow
def test_unconfined_every_attack_bites(tmp_path: Path, bwrap: str) -> None:
    bites = Counter(dict(assault.unconfined(tmp_path)))
    needless = {n for n, attack in ATTACKS.items() if attack.by_root and os.geteuid() != 0}
    print(f"{len(bites)} attacks unconfined: {bites.total()} changed or learnt")
    assert {name for name, count in bites.items() if not count} <= needless
    assert bites.total() > LEAST_CHANGED
