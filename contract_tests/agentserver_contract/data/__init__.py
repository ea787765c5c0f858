"""What the layers are told as data, each entry with its reason."""
