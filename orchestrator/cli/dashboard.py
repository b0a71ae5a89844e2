"""``clerk dashboard``: open the dashboard on the engine, starting one if none runs."""

from __future__ import annotations

import click

from orchestrator.cli.connection import find_place, start_engine
from orchestrator.cli.orders import repo_option


@click.command()
@repo_option
def dashboard(repo: str | None = None) -> None:
    """Open the dashboard; closing it stops nothing."""
    place = find_place(repo)
    socket = place.socket
    if socket is None:
        click.echo("starting the engine in the background (clerk stop ends it)", err=True)
        socket = start_engine(place)
    from tui.app import run

    run(socket)
