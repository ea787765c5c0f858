"""The reference server of the agentserver API: real HTTP, a real database, one contract."""
