"""Exchanges that were written down, held to the contract."""
