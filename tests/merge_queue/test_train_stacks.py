"""A stacked task's head holds the work of others: no candidate of it is ever made without them."""

from __future__ import annotations

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.merge_queue.train import Car, Clash, Entry, Standing, make_up

NAMES = "abcdef"


class Yard:
    """Couples by name: a commit is the chain of what it holds; some pairs conflict."""

    def __init__(self, clashes):
        self._clashes = clashes
        self.made = []

    async def couple(self, base, entry):
        name = entry.key[1]
        if any(f"{held}{name}" in self._clashes for held in base):
            return Clash(("x",))
        self.made.append((base, entry))
        return Car(entry, base + name, base + name, base)


@st.composite
def trains(draw):
    entries = []
    for number, name in enumerate(NAMES):
        below = draw(st.sets(st.sampled_from(NAMES[:number]), max_size=2)) if number else ()
        entries.append(Entry(("p", name), f"h{name}", tuple(("p", n) for n in sorted(below))))
    pairs = st.sampled_from([f"{a}{b}" for a in NAMES for b in NAMES if a < b] + ["Ta", "Tb", "Td"])
    clashes = draw(st.sets(pairs, max_size=4))
    bad = draw(st.sets(st.sampled_from(NAMES), max_size=2))
    return entries, clashes, bad, draw(st.booleans())


@settings(max_examples=200, deadline=None)
@given(trains())
def test_whatever_conflicts_or_is_red_a_stack_stands_behind_what_it_holds(site):
    entries, clashes, bad, leaves_out_red = site
    yard = Yard(clashes)

    def standing(car):
        return Standing.RED if bad.intersection(car.commit) else Standing.PASSED

    async def made():
        return await make_up("T", entries, yard.couple, standing, leaves_out_red=leaves_out_red)

    train = anyio.run(made)
    placed = []
    for car in train.cars:
        assert {name for _, name in car.entry.needs} <= set(placed)
        placed.append(car.entry.key[1])
    for entry in train.baseless:
        assert not {name for _, name in entry.needs} <= set(placed[: entries.index(entry)])
    for base, entry in yard.made:
        assert all(name in base for _, name in entry.needs), "built without what it holds"
    told = [car.entry for car in (*train.cars, *train.aside)]
    told += [e for e, _ in train.clashing] + [e for e, *_ in train.waiting] + [*train.baseless]
    assert sorted(told, key=entries.index) == entries, "everybody has exactly one place"


def test_one_that_needs_what_is_not_in_line_is_never_built():
    yard = Yard(set())
    entry = Entry(("p", "b"), "h", (("p", "a"),))

    async def made():
        return await make_up(
            "T", [entry], yard.couple, lambda _: Standing.UNKNOWN, leaves_out_red=True
        )

    train = anyio.run(made)
    assert train.cars == ()
    assert train.baseless == (entry,)
    assert train.length == 1
    assert yard.made == []


def test_behind_a_red_one_that_is_left_out_its_stack_waits_and_the_others_go_on():
    yard = Yard(set())
    a, b, c = (
        Entry(("p", n), n, needs) for n, needs in [("a", ()), ("b", (("p", "a"),)), ("c", ())]
    )

    def standing(car):
        return Standing.RED if car.commit == "Ta" else Standing.UNKNOWN

    async def made():
        return await make_up("T", [a, b, c], yard.couple, standing, leaves_out_red=True)

    train = anyio.run(made)
    assert [car.commit for car in train.cars] == ["Tc"]
    assert [car.entry for car in train.aside] == [a]
    assert train.baseless == (b,)
