"""The operations of the tag `tokens`."""
