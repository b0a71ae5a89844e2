"""The dashboard: one look at everything the agents build, and the keys to steer it.

A client of the engine's API and nothing more: of ``orchestrator`` it imports the API's models,
client, calls and changes, the errors, the states, ``show_duration`` and ``safe_text``. It owns no state that
matters; closing it stops nothing.

Workers ask the engine and post messages; handlers change what is shown; widgets paint. What a
task looks like is decided in pure modules (``board_model``, ``cells``, ``story``), what colour
that is only in ``*.tcss``. All foreign text passes ``safe_text``; no widget reads markup.
"""
