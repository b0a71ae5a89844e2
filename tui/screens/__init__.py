"""The screens: what stands where, and what keys do there. Each has its ``.tcss`` beside it."""
