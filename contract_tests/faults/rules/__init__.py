"""Faults of a rule, one module a tag, and one for each room that all tags share."""
