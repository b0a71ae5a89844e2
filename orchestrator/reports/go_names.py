"""The names of Go's tests, which tell what they stand within: ``TestA/case/inner``.

Whoever wrote a test chose its name, so one of endless length has nothing around it: to name all
that would take quadratic time.
"""

from __future__ import annotations

_LONGEST = 1_000


def names_around(name: str) -> list[str]:
    """The tests that ``name`` stands within."""
    if len(name) > _LONGEST:
        return []
    return [name[:at] for at, character in enumerate(name) if character == "/"]
