"""How Schemathesis is driven: engine, events, checks, and what is rewritten in a case."""
