"""Who is calling, and may they: one module a kind of credential, and one rule for all."""
