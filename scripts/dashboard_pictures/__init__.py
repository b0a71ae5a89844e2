"""Pictures of the dashboard for README and docs, taken while the demo runs."""
