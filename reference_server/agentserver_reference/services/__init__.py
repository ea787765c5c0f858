"""What the server does: transactions and calls of external services.

A function that takes a `UnitOfWork` is a service. Handlers, workers and other services call it, and
it runs its own transactions. A function that takes a `Connection` is a part of a transaction.
"""
