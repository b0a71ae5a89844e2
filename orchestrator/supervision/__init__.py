"""Processes and their end: whatever the engine starts is started, bounded and ended here.

Nobody else may spawn. What a command printed, held or left behind is dealt with before anybody
hears how it ended. Nothing here knows what a command is for.
"""
