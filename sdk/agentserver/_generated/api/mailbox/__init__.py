"""The operations of the tag `mailbox`."""
