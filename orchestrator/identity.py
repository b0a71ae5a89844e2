"""Who a commit is by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address, as git wants them."""

    name: str
    email: str

    def as_environment(self, committer: Identity | None = None) -> dict[str, str]:
        """Git's variables for an author, and for the committer: the same, unless told."""
        committer = committer or self
        return {
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
        }
