"""``clerk cache``: what is kept of earlier verifications, what it spared, and forgetting it.

With or without an engine: files are read and removed, and an engine at work finds each of them
whole or not there.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.connection import Place, find_place
from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import ExitCode, NothingStored, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.verification.cache_inventory import Stock

Spared = tuple[int, int]
"""How many results were known from before, and how many runs there were."""

FOLDER = "cache"


@click.group()
def cache() -> None:
    """Verdicts that are known and need not be found again."""


@cache.command()
@repo_option
@json_option
def stats(repo: str | None, as_json: bool) -> None:
    """Tell what is kept, and how often it spared a run."""
    from orchestrator.verification.cache_inventory import stock

    place = find_place(repo)
    kept = stock(place.state_dir / FOLDER)
    started = _engine_started(place)
    in_all = _spared(place, 0.0)
    lately = _spared(place, started) if started else {}
    if as_json:
        data = _as_data(kept, in_all, lately, started)
        click.echo(json.dumps(data, indent=2))
        return
    for line in _lines(kept, in_all, lately, now=time.time()):
        click.echo(line)


@cache.command()
@click.option("--check", metavar="NAME", help="Only of this check.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@repo_option
def clear(check: str | None, yes: bool, repo: str | None) -> int:
    """Forget what is kept: checks run again on trees that were verified already."""
    from orchestrator.verification import cache_inventory

    folder = find_place(repo).state_dir / FOLDER
    kept = cache_inventory.stock(folder)
    if check is not None and check not in kept:
        known = ", ".join(kept) or "none"
        raise UsageError(f"nothing is kept of a check {check!r}; there are: {known}")
    wanted = [kept[check]] if check is not None else list(kept.values())
    if not yes and not _agreed(sum(found.entries for found in wanted)):
        click.echo("nothing was forgotten", err=True)
        return ExitCode.DONE
    gone = cache_inventory.clear(folder, check)
    click.echo(f"forgot {_counted(gone, 'verdict')}", err=True)
    return ExitCode.DONE


def _agreed(entries: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("say --yes, as nobody can be asked here")
    return click.confirm(f"Forget {_counted(entries, 'verdict')}?", err=True)


def _engine_started(place: Place) -> float:
    """When the engine that runs here was started; 0 when none runs."""
    from orchestrator.locks import EngineLock

    holder = EngineLock(place.state_dir / "lock").holder()
    return holder.started if holder is not None else 0.0


def _spared(place: Place, since: float) -> dict[str, Spared]:
    """By check, of the runs on record."""
    from orchestrator.site import Records

    try:
        with Records.open_readonly(place.common_dir) as records:
            runs = records.store.runs_by_check(since)
    except NothingStored:
        return {}
    return {
        check: (runs.get((check, True), 0), runs.get((check, False), 0))
        for check in sorted({name for name, _ in runs})
    }


def _as_data(
    kept: Mapping[str, Stock],
    in_all: Mapping[str, Spared],
    lately: Mapping[str, Spared],
    started: float,
) -> dict[str, Any]:
    names = sorted(kept.keys() | in_all.keys())
    return {
        **_stock_data(kept.values()),
        **_spared_data(in_all.values()),
        "since_start": {"started_at": started, **_spared_data(lately.values())},
        "checks": {
            name: {
                **_stock_data([kept[name]] if name in kept else []),
                **_spared_data([in_all.get(name, (0, 0))]),
                "since_start": _spared_data([lately.get(name, (0, 0))]),
            }
            for name in names
        },
    }


def _stock_data(found: Iterable[Stock]) -> dict[str, Any]:
    some = list(found)
    return {
        "entries": sum(one.entries for one in some),
        "passed": sum(one.passed for one in some),
        "failed": sum(one.failed for one in some),
        "bytes": sum(one.bytes for one in some),
        "oldest_use": min((one.oldest for one in some), default=0.0),
        "newest_use": max((one.newest for one in some), default=0.0),
    }


def _spared_data(spared: Iterable[Spared]) -> dict[str, int]:
    some = list(spared)
    return {"hits": sum(hits for hits, _ in some), "misses": sum(runs for _, runs in some)}


def _lines(
    kept: Mapping[str, Stock],
    in_all: Mapping[str, Spared],
    lately: Mapping[str, Spared],
    *,
    now: float,
) -> Iterator[str]:
    from orchestrator.allowance import show_bytes
    from orchestrator.plan.values import show_duration
    from orchestrator.safe_text import safe_text

    whole = _stock_data(kept.values())
    told = f"{_counted(whole['entries'], 'verdict')} kept, {show_bytes(whole['bytes'])}"
    if whole["entries"]:
        ago = show_duration(max(0, round(now - whole["oldest_use"])))
        told += f"; the longest unused for {ago}"
    yield told
    names = sorted(kept.keys() | in_all.keys())
    width = max(map(len, names), default=0)
    for name in names:
        mine = _stock_data([kept[name]] if name in kept else [])
        cells = [
            f"{mine['passed']} passed, {mine['failed']} failed kept",
            _told(in_all.get(name, (0, 0)), "in all"),
        ]
        if lately:
            cells.append(_told(lately.get(name, (0, 0)), "since the engine started"))
        yield safe_text(f"  {name:<{width}}  {'; '.join(cells)}", one_line=True)


def _told(spared: Spared, when: str) -> str:
    hits, runs = spared
    return f"{hits} of {hits + runs} known {when}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
