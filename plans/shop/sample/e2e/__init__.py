"""Journeys through the open shop: one module per promise, written by the architect."""
