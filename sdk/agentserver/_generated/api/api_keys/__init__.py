"""The operations of the tag `api_keys`."""
