"""Tools of the house, not of the shop."""
