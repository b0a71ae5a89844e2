"""What is known, kept over crashes. The only room that knows SQLModel.

Importing it costs about 0.35 s (SQLAlchemy): a client imports it only where no engine answers.
"""

from __future__ import annotations

from orchestrator.store.store import Store
from orchestrator.store.transaction import Transaction

__all__ = ["Store", "Transaction"]
