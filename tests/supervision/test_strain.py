"""How hard the machine is pressed, told by two looks at its counters."""

from __future__ import annotations

import anyio
import pytest

from orchestrator.verification.strain import Machine, Moment, available_memory, look, overload


@pytest.mark.parametrize(
    ("cpu", "memory", "load", "told"),
    [
        (2.0, 0.0, 9.0, ""),
        (6.0, 0.0, 0.0, "something waited for a core 60% of the time"),
        (0.0, 3.0, 0.0, "something waited for memory 30% of the time"),
        (12.0, 0.0, 0.0, "something waited for a core 100% of the time"),
    ],
)
def test_counters_tell_the_share_of_the_span(cpu, memory, load, told):
    before = Moment(100.0, {"cpu": 40.0, "memory": 5.0})
    after = Moment(110.0, {"cpu": 40.0 + cpu, "memory": 5.0 + memory}, load)
    assert overload(before, after) == told


def test_without_counters_the_load_stands_in():
    assert overload(Moment(0.0), Moment(9.0, load=3.5)) == "3.5 programs wanted each core"
    assert overload(Moment(0.0), Moment(9.0, load=2.0)) == ""


def test_what_cannot_be_read_is_calm(tmp_path):
    (tmp_path / "cpu").write_text("garbage\n")
    assert look(tmp_path).waited == {}
    assert available_memory(tmp_path / "none") is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2048 kB\n")
    assert available_memory(tmp_path / "meminfo") == 2048 * 1024


def test_the_kernels_own_words_are_read(tmp_path):
    for name, total in {"cpu": 2_500_000, "memory": 0}.items():
        line = "{} avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"
        (tmp_path / name).write_text(line.format("some", total) + line.format("full", 7))
    assert look(tmp_path).waited == {"cpu": 2.5, "memory": 0.0}


def test_calm_is_waited_for_and_not_for_ever():
    def moments():
        for at in range(4):
            yield Moment(float(at), {"cpu": float(at)})
        for at in range(4, 10):
            yield Moment(float(at), {"cpu": 3.0})

    looks = moments()
    anyio.run(Machine(lambda: next(looks), 0.0, 60.0).calm)
    assert next(looks).at >= 4.0, "it looked until the counters stood still"
    endless = iter(range(10**9))

    def pressed():
        at = float(next(endless))
        return Moment(at, {"cpu": at})

    anyio.run(Machine(pressed, 0.0, 0.05).calm)
