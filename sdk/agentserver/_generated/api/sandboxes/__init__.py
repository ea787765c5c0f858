"""The operations of the tag `sandboxes`."""
