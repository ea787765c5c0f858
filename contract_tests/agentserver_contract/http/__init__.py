"""Requests, responses, and the server that they are exchanged with."""
