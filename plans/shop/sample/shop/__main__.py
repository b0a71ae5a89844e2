"""Open the shop: ``python3 -m shop --port 8000``; port 0 takes a free one and tells it."""

from __future__ import annotations

import argparse

from shop.server import open_shop


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop", description="Open the tea shop.")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    with open_shop(parser.parse_args().port) as server:
        print(f"The shop is open at http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("The shop is closed.")


main()
