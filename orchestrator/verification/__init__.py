"""All checks of one tree: in which order, on what checkout, beside which services, with what verdict.

The commands are the plan's as it was started. Nothing here knows tasks or attempts, moves a ref,
or writes the record: it is handed a commit and gives back results.
"""
