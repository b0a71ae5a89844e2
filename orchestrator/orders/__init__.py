"""What comes in at the engine's door: plans, people's orders, and what sessions ask for.

Each says what it applied to and what it refused; a refused one changes nothing.
"""
