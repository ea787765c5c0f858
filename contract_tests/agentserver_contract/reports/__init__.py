"""What came of a run, for whoever reads it: a person at a terminal, a browser, a CI, a program."""
