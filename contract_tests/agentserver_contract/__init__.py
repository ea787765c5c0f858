"""Contract tests: the contract, recordings and running servers, checked against each other."""
