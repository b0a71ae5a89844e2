"""``scripts/simulate queue [--changes N] [--slots N] [--mode M] ... [--json]``."""

from __future__ import annotations

import argparse

from orchestrator.states import QueueMode
from simulation.changes import Traffic
from simulation.oracle import landings
from simulation.queue import Queue, Rules
from simulation.report import Report, report
from simulation.truth import green_share


def main() -> None:
    told = _parser().parse_args()
    traffic = Traffic(told.changes, told.rate, told.failures, told.conflicts, told.seed)
    rules = Rules(QueueMode(told.mode), told.slots, told.flakes, told.seed)
    made = simulated(traffic, rules)
    print(made.as_json() if told.json else made.table())


def simulated(traffic: Traffic, rules: Rules) -> Report:
    """One traffic through the queue as told, through the serial one, and past the oracle."""
    changes = traffic.made()
    ours = Queue(changes, rules).run()
    serial = Queue(changes, Rules(QueueMode.SERIAL, 1, rules.flakes, rules.seed)).run()
    strictly = rules.mode in {QueueMode.STRICT, QueueMode.SERIAL}
    oracle = landings(changes, slots=rules.slots, strictly=strictly)
    return report(changes, ours, serial, oracle, green=green_share(changes, ours))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    queue = commands.add_parser("queue", help="the merge queue, speculating")
    queue.add_argument("--changes", type=_count, default=10_000, help="so many come (10000)")
    queue.add_argument(
        "--rate",
        type=_amount,
        default=2.0,
        help="changes that arrive while one verification runs (2); 0: all at once",
    )
    queue.add_argument(
        "--failures", type=_likelihood, default=0.03, help="how likely one is bad (0.03)"
    )
    queue.add_argument(
        "--conflicts",
        type=_likelihood,
        default=0.001,
        help="how likely two neighbours conflict, half of them in meaning only (0.001)",
    )
    queue.add_argument(
        "--flakes",
        type=_likelihood,
        default=0.0,
        help="how likely a run is red for no reason; each red run is then tried once more (0)",
    )
    queue.add_argument("--slots", type=_count, default=2, help="verifications at once (2)")
    queue.add_argument("--mode", choices=[*QueueMode], default=QueueMode.AUTO, help="(auto)")
    queue.add_argument("--seed", type=int, default=1, help="the same seed, the same run (1)")
    queue.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


def _count(text: str) -> int:
    return int(_checked(int(text), text, least=1))


def _amount(text: str) -> float:
    return _checked(float(text), text)


def _likelihood(text: str) -> float:
    return _checked(float(text), text, most=1)


def _checked(value: float, text: str, *, least: float = 0, most: float = 1e9) -> float:
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not from {least:g} to {most:g}")
    return value


if __name__ == "__main__":
    main()
