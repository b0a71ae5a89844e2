"""How long a candidate takes is told once there is something to tell it from."""

from __future__ import annotations

from orchestrator.events import Event, EventKind
from orchestrator.scheduling.activity import CANDIDATE, CANDIDATES_THAT_TELL, Activity


def verified(purpose: str, seconds: float) -> Event:
    data = {"purpose": purpose, "seconds": seconds}
    return Event(EventKind.VERIFICATION_ENDED, plan="p", task="a", data=data)


def test_one_or_two_candidates_tell_nothing_and_branches_never_do():
    activity = Activity()
    for _ in range(9):
        activity.observe(verified("branch", 50.0))
    for ended, seconds in enumerate((90.0, 0.01, 30.0)):
        assert activity.candidate_seconds == 0.0, ended
        activity.observe(verified(CANDIDATE, seconds))
    assert ended + 1 == CANDIDATES_THAT_TELL
    assert activity.candidate_seconds == 30.0
