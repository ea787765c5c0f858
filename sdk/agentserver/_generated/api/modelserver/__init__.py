"""The operations of the tag `modelserver`."""
