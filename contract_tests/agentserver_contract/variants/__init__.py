"""Requests that differ from an example in what they are about, made from the contract."""
