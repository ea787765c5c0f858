"""The contract as the development side reads it."""
