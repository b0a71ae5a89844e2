"""All git of the engine.

``command`` is the one safe git command; everything else here is a noun of the domain built on
it. No other room spawns git, reads ``.git`` or imports GitPython, and nothing here knows plans,
tasks' states or agents: it is told names and oids, and answers with values.
"""
