"""What is demanded of every test."""

pytest_plugins = ("demands",)
