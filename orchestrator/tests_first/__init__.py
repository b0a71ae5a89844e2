"""Tests before work: what a task owes, what counts as red, and what may bend a locked test. Pure."""
