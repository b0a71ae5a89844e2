"""An agent's session: its process, what it tells, what it may ask at the engine's door.

Nothing here knows tasks or git: whether the agent's word is true is judged by others.
"""
