"""What is generated from the contract. Nothing in this package is edited by hand."""
