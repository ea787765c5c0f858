"""One module a tag of the contract, one public coroutine an operation, named by its operationId."""
