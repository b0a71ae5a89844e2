"""What one job may take of the machine, and the words for one that took more.

Only the measures stand here; who watches them is ``memory_watch`` and ``disk_watch``. The name of
a setting in a sentence is the one that mends it.
"""

from __future__ import annotations

from dataclasses import dataclass

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that one job may take, in bytes; None sets no bound.

    ``memory_bytes`` is for all its processes together, ``disk_bytes`` for all its writable
    folders; ``disk_reserve_bytes`` must stay free on the file systems of those.
    """

    memory_bytes: int | None = None
    disk_bytes: int | None = None
    disk_reserve_bytes: int | None = None


def too_much_memory(held: int, allowed: int) -> str:
    return f"it held {show_bytes(held)} of memory; memory_bytes allows {show_bytes(allowed)}"


def too_much_disk(taken: int, allowed: int) -> str:
    return f"its files took {show_bytes(taken)} of disk; disk_bytes allows {show_bytes(allowed)}"


def too_many_files(entries: int) -> str:
    return f"it made more than {entries:,} files, more than can be watched"


def too_little_left(free: int, reserve: int, taken: int) -> str:
    return (
        f"only {show_bytes(free)} of disk were left, disk_reserve_bytes keeps "
        f"{show_bytes(reserve)} free, and its files took the most, {show_bytes(taken)}"
    )


def show_bytes(count: int) -> str:
    """A size for people, such as ``1.5 GiB``."""
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}".replace(".0 ", " ")
    return f"{count} bytes"
