"""The layers of the suite: each tries one kind of promise on one target and returns a result."""
