"""External services: for each a protocol, an embedded and a remote implementation."""
