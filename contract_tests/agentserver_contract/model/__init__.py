"""The reference model: state, actions, and reading back."""
