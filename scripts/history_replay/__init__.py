"""A replay: the last changes of a real repository, landed once more by the real engine.

Run by ``scripts/replay``. It uses Clerk of Works as a stranger would, through its command line, in
a clone of its own: the repository it is told of is only read. What the engine says about its own
work is never the proof: that is made with plain git and the test command.
"""
