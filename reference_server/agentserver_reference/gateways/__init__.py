"""Outside services: what the server asks of each, embedded or over HTTP."""
