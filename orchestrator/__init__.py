"""Clerk of Works: plans built by many coding agents, landed only when proven.

The package is a house of floors (see ``docs/architecture.md``): a module imports only from
floors below its own. Importing ``orchestrator`` itself imports nothing else, so that the
command line starts at once.
"""

__version__ = "0.1.0"
