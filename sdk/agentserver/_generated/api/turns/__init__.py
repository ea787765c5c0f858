"""The operations of the tag `turns`."""
