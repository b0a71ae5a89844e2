"""``clerk dashboard``: open the dashboard on the engine, starting one if none runs."""

from __future__ import annotations

import os
import sys

import click

from orchestrator.cli.connection import Place, find_place, start_engine
from orchestrator.cli.orders import repo_option
from orchestrator.errors import CannotRun


@click.command()
@click.option("--web", is_flag=True, help="In a browser, on this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="For --web; else any free.")
@repo_option
def dashboard(*, web: bool = False, port: int = 0, repo: str | None = None) -> None:
    """Open the dashboard; closing it stops nothing."""
    place = find_place(repo)
    if web:
        _serve(place, port)
    else:
        _show(place)


def _show(place: Place) -> None:
    from orchestrator.settings import load_settings
    from tui.app import Manner, run
    from tui.terminal import Notices

    settings = load_settings(place.state_dir, os.environ)
    _require_engine(place)
    notices = Notices.NONE if settings.notify == "desktop" else Notices(settings.notify)
    run(
        lambda: place.socket,
        Manner(bell=settings.bell, notices=notices, light=settings.theme == "light"),
    )


def _serve(place: Place, port: int) -> None:
    try:
        from tui.web import serve
    except ImportError as error:
        raise CannotRun(
            f"the dashboard in a browser needs the extra 'web' ({error.name} is missing); "
            "install it beside clerk: pip install textual-serve"
        ) from error
    _require_engine(place)
    argv = [sys.executable, "-m", "orchestrator.cli", "dashboard", "--repo", str(place.common_dir)]
    try:
        serve(argv, port, _announce)
    except OSError as error:
        raise CannotRun(f"port {port} cannot be used: {error.strerror}") from error


def _announce(address: str) -> None:
    click.echo(address)
    click.echo("who has this address may order everything; Ctrl-C ends it", err=True)


def _require_engine(place: Place) -> None:
    if place.socket is None:
        click.echo("starting the engine in the background (clerk stop ends it)", err=True)
        start_engine(place)
