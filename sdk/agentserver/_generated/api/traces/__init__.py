"""The operations of the tag `traces`."""
