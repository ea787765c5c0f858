"""The gateway to which executors are connected: embedded, or disabled."""
