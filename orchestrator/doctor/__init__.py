"""Looks at a machine and a repository, and says what is missing and how to mend it.

Checks are data: a name and a probe that only looks. Nothing here writes, starts an engine or
takes a lock, and no probe may be what is slow: all of them run side by side.
"""
