"""A railway in miniature: merges by rule instead of git, with a truth that the queue never sees.

A commit's name is the list of heads in it; the same heads are the same tree in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.merge_queue.train import Car, Clash, Entry, Standing, make_up

START = "main"


def entry(name, head=None):
    return Entry(("plan", name), head or name)


def heads_in(commit):
    return commit.split("+")[1:]


@dataclass
class Railway:
    """``clashes`` are pairs of heads that do not merge, ``quarrels`` pairs red only together."""

    bad: set[str] = field(default_factory=set)
    clashes: set[frozenset[str]] = field(default_factory=set)
    quarrels: set[frozenset[str]] = field(default_factory=set)
    known: dict[str, Standing] = field(default_factory=dict)
    target: str = START
    asked: int = 0

    async def couple(self, base, entry):
        self.asked += 1
        before = heads_in(base)
        if entry.head in before:  # nothing new, and no commit for it
            return Car(entry, base, tree_of(before), base)
        if odds := [one for one in before if frozenset({one, entry.head}) in self.clashes]:
            return Clash(tuple(odds))
        return Car(entry, f"{base}+{entry.head}", tree_of([*before, entry.head]), base)

    def standing(self, car):
        if car.commit == self.target:
            return Standing.PASSED
        return self.known.get(car.tree, Standing.UNKNOWN)

    def is_green(self, commit):
        within = set(heads_in(commit))
        return not within & self.bad and not any(pair <= within for pair in self.quarrels)

    def tell(self, commit, standing):
        self.known[tree_of(heads_in(commit))] = standing

    def passed(self, *commits):
        for commit in commits:
            self.tell(commit, Standing.PASSED)

    def red(self, *commits):
        for commit in commits:
            self.tell(commit, Standing.RED)

    def train(self, entries, target=START, *, leaves_out_red=True):
        self.target = target
        entries = [entry(one) if isinstance(one, str) else one for one in entries]
        made = make_up(target, entries, self.couple, self.standing, leaves_out_red=leaves_out_red)
        return at_once(made)


def tree_of(heads):
    return "&".join(sorted(heads))


def at_once(made):
    try:
        made.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited for something")
