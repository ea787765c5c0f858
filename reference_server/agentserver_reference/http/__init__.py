"""HTTP and WebSockets: routing, reading requests, sending responses."""
