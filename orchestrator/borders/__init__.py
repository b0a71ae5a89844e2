"""What crosses between the engine and those it does not trust, and how.

Into a session's place goes what an enclosure names, out of it what was read within a sandbox and
let in by policy, and to the network what the plan lists. Nothing here trusts a word of the other
side: every way out ends in a check on this one.
"""
