"""The rules of the service: no HTTP, no SQL, no clock of their own."""
