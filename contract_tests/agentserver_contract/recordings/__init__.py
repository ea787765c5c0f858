"""Recorded exchanges, checked against the contract."""
