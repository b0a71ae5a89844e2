"""How plug-ins are found: a short name leads to a dotted path, imported on use.

Any ``package.module:Class`` is accepted beside the short names, so that a third party needs no
change here. An unknown name is answered with the names there are.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def look_up(kind: str, name: str, known: Mapping[str, str]) -> Any:
    """What ``name`` stands for among ``known``; ``kind`` is the word for it in errors.

    Raises UsageError when the name is unknown, or the dotted path leads nowhere.
    """
    path = known.get(name, name)
    module_name, colon, attribute = path.partition(":")
    if not colon:
        raise UsageError(_unknown(kind, name, known))
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UsageError(f"{kind} {name!r} cannot be loaded: {error}") from error


def _unknown(kind: str, name: str, known: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}; " if close else ""
    listed = ", ".join(sorted(known))
    return f"unknown {kind} {name!r}; {hint}known: {listed}, or any package.module:Class"
