"""Why a call is refused: one class a reason, each carrying the one line that its caller reads."""


class Refusal(Exception):
    """A call that the rules refuse.

    `line` is the whole answer: one clear line that names the field or the rule and never a secret.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


class BadRequest(Refusal):
    """The request breaks a rule of the contract that no schema can express."""


class Unauthenticated(Refusal):
    """Nobody is calling, or the credential is not valid (any more)."""


class Forbidden(Refusal):
    """The caller is known, and may not."""


class NotFound(Refusal):
    """What the call names does not exist."""


class Conflict(Refusal):
    """The state of things does not allow it: a name taken, the last owner leaving."""


class Gone(Refusal):
    """It existed, and has ended."""


class QuotaExceeded(Refusal):
    """A limit is reached: `current` of `maximum` are in use."""

    def __init__(self, line: str, *, current: int, maximum: int) -> None:
        super().__init__(line)
        self.current = current
        self.maximum = maximum


class BadGateway(Refusal):
    """An outside service did not answer, or answered nonsense; its own text is never passed on."""


class ServiceUnavailable(Refusal):
    """The operator has switched the service off that would answer."""


class DatabaseUnavailable(Refusal):
    """The database does not answer, or too many requests wait for it.

    `retry_after` is in seconds; None where a write may have been carried out all the same, so that
    the caller must not simply send it again.
    """

    def __init__(self, line: str, retry_after: int | None) -> None:
        super().__init__(line)
        self.retry_after = retry_after
