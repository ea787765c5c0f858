"""The operations of the tag `workspaces`."""
