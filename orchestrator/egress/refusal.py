"""Why a session is not connected, as it is answered: a status and one sentence.

A sentence names the mend. It may be read by the session, so it holds no secret, and no address
that the session could not have found out by itself.
"""

from __future__ import annotations


class Refusal(Exception):
    """``status`` 403: by rule; 4xx: nonsense; 5xx: it was tried in vain."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)

    @property
    def by_rule(self) -> bool:
        return self.status == 403


def not_listed(host: str, port: int) -> Refusal:
    return Refusal(
        403,
        f"{host}:{port} is not among the hosts this session may reach; "
        "a person can add it to needs.network in the plan",
    )


def leads_inside(host: str) -> Refusal:
    return Refusal(
        403,
        f"{host} leads to an address of this machine or its own network; "
        "a person can add that address itself to needs.network in the plan",
    )
