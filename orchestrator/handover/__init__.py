"""Proven work that others land: a pull request with its evidence, and what becomes of it."""
