"""``python -m orchestrator.cli``, for where the installed command is not on the path."""

from orchestrator.cli import main

main()
