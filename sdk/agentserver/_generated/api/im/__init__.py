"""The operations of the tag `im`."""
