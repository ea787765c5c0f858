"""Contract tests: the contract held against itself, against recordings and running servers."""
