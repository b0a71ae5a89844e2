"""The dashboard on the lively building site, in whatever terminal or page it is started in."""

from __future__ import annotations

from scripted.building_site import NOW, a_lively_engine

from tui.app import ClerkApp


def main() -> None:
    engine = a_lively_engine()
    ClerkApp(lambda: engine, clock=lambda: NOW).run()


if __name__ == "__main__":
    main()
