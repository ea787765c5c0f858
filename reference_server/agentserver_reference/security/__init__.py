"""Authentication, with one module per kind of credential, and authorisation."""
