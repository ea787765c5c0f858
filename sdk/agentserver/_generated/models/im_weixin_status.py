"""The enum `IMWeixinStatus`."""

from agentserver._model import OpenEnum


class IMWeixinStatus(OpenEnum):
    """How far a login to WeChat is: the code is to be scanned (`wait`), was scanned and is to be
    confirmed (`scaned`), is `confirmed` or `expired`, belongs to a bot that is connected
    elsewhere (`binded_redirect`), or asks for a number, which no operation takes
    (`need_verifycode`), or did so too often (`verify_code_blocked`).
    """

    WAIT = "wait"
    SCANED = "scaned"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    BINDED_REDIRECT = "binded_redirect"
    VERIFY_CODE_BLOCKED = "verify_code_blocked"
    NEED_VERIFYCODE = "need_verifycode"
