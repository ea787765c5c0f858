"""What runs the queries: connections, dialects, transactions and schema versions."""
