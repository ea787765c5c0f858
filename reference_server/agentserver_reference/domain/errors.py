"""Reasons to reject a call, each with the line of text that the caller receives."""


class Refusal(Exception):
    """A call is rejected.

    `line` is the body of the response. It names the field or the rule, and contains no secrets.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


class BadRequest(Refusal):
    """The request is invalid."""


class Unauthenticated(Refusal):
    """The credential is missing or invalid."""


class Forbidden(Refusal):
    """The caller is not permitted to do this."""


class NotFound(Refusal):
    """A resource that the call names does not exist."""


class Conflict(Refusal):
    """The current state does not permit it: a name is taken, or the last owner would leave."""


class Gone(Refusal):
    """The resource existed, but no longer does."""


class QuotaExceeded(Refusal):
    """A quota is used up: `current` of `maximum`."""

    def __init__(self, line: str, *, current: int, maximum: int) -> None:
        super().__init__(line)
        self.current = current
        self.maximum = maximum


class BudgetExceeded(Refusal):
    """The CPU or memory that a workspace may use is used up."""


class TooManyRequests(Refusal):
    """A limit of requests is reached; `retry_after` is in seconds."""

    def __init__(self, line: str, retry_after: int) -> None:
        super().__init__(line)
        self.retry_after = retry_after


class BadGateway(Refusal):
    """An external service failed. Its own error text is never passed on."""


class ServiceUnavailable(Refusal):
    """The operator has disabled the service."""


class NotConfigured(Refusal):
    """The operator has set up no such service."""


class DatabaseUnavailable(Refusal):
    """The database does not respond, or too many requests wait for it.

    `retry_after` is in seconds; None if a write may have been carried out nevertheless, so that
    the client must not simply repeat the request.
    """

    def __init__(self, line: str, retry_after: int | None) -> None:
        super().__init__(line)
        self.retry_after = retry_after
