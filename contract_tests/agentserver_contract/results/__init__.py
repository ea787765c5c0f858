"""What the layers found and tried."""
