"""The operations of the tag `auth`."""
