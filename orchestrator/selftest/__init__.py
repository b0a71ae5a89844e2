"""The honesty harness: agents that lie, cheat, attack and hang, run on the user's own machine.

Cases are data (``lies``, ``escapes``, ``excess``, ``landings``): what an agent does, what should
come of it, and how that is seen. ``stage`` has them run by the ``clerk`` command line in throw-away
repositories, as a user would; nothing here reaches into the engine, and no case may believe a word
of the engine that git or the process table can be asked for. Attacks aim at canaries of our own,
and are bounded so that an engine which does not hold them harms nobody.
"""
