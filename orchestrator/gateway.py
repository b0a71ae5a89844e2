"""How an agent reaches its model while the secret stays outside its sandbox.

An adapter says what a session's requests lack; whoever stands between the session and the
network adds it. A secret is in ``headers`` alone, and those are never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gateway:
    """One service, reached through the proxy's own address.

    ``variable`` is the environment variable that tells the agent the service's base address;
    ``upstream`` is the service's real one. ``headers`` are added to each request, or replace what
    the agent sent; ``stand_ins`` are variables set to a harmless value, for agents that do not
    start without a key. ``paths``, when given, are the only ones, and what is below them.
    """

    variable: str
    upstream: str
    headers: Mapping[str, str] = field(repr=False)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
