"""What the suite knows about single operations: one file per tag, each entry with its reason."""
