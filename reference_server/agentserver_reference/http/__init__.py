"""The HTTP side: a request comes in, is routed, read and answered."""
