"""The operations of the tag `admin`."""
