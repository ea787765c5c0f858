"""What the server does: transactions and outside services, for handlers and workers alike.

A function that takes a unit of work is a service: it is called by a handler, a worker or another
service, and runs its own transactions. One that takes a connection is a step of a transaction.
"""
