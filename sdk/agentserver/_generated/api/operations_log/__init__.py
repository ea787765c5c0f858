"""The operations of the tag `operations_log`."""
