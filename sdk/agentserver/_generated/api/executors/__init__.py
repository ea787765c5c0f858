"""The operations of the tag `executors`."""
