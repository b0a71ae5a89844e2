"""The works of the engine, each from the record to the record: a session, a stack, a verification.

A job reads what is stored, acts, and stores what came of it, so that a crash between two of its
steps leaves something that can be gone on with. Which job is due is decided elsewhere.
"""
