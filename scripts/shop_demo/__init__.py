"""The demo: a sample repository, a run of its plan, and a proof of what came out.

Run by ``scripts/demo``. It uses Clerk of Works as a stranger would, through its command line;
from inside it only borrows the plan's model. What the engine says about its own work is never
the proof: that is made with plain git and the plan's commands.
"""
