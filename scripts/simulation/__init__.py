"""Real decisions on a virtual clock: what the queue comes to when only time and luck are made up.

The code that decides is the product's; git, checks and agents are simulated, and whether the
target was green is judged from the made-up truth, never from what the queue believed. Never
imported by the product.
"""
