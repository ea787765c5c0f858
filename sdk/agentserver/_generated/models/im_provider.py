"""The enum `IMProvider`."""

from agentserver._model import OpenEnum


class IMProvider(OpenEnum):
    """A service that carries messages between people and bots."""

    WEIXIN = "weixin"
    TELEGRAM = "telegram"
    MATRIX = "matrix"
