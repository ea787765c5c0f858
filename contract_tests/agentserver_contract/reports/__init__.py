"""The reports of a run: for a terminal, a browser, a CI system, and programs."""
