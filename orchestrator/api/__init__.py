"""The door of the engine: HTTP over a unix socket, and the models both sides share.

The engine alone owns state; the command line, the dashboard and agents are clients. ``models``
is what travels, ``server`` serves it, ``client`` asks for it. Clients import nothing else of
``orchestrator`` that holds state.
"""
