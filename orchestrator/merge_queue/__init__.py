"""The queue of a target: who is in line, what is verified ahead, what lands.

The target takes only what was verified as that very commit, by compare-and-swap. ``train`` and
``ladder`` decide, and are pure; all others see or obey.
"""
