"""Proofs of the shop's parts, without a server."""
