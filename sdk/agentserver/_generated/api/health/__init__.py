"""The operations of the tag `health`."""
