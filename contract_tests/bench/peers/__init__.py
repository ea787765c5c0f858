"""The same three operations, written without the reference server: what it is measured beside."""
