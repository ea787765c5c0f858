"""The protocol of WebSockets: uvicorn's, with what it lacks for those of Kubernetes."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class SocketProtocol(WebSocketsSansIOProtocol):
    """See the module. The application chooses the subprotocol, whatever a client offers."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._heard = False
        # It would refuse what is no token of RFC 9110, as the slash of `SPDY/3.1+...` is not.
        self.conn.process_subprotocol = _none  # type: ignore[assignment]

    async def send(self, message: Any) -> None:
        """Send what the application says. A refusal is an answer, and no error to be logged."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def data_received(self, data: bytes) -> None:
        """Note a sign of life besides the answers to pings, which come after what was sent."""
        self._heard = True
        super().data_received(data)

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""
        self._heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Wait on if there was a sign of life, or if none would have been read."""
        if (self._heard or self.read_paused) and self.ping_timeout is not None:
            self._heard = False
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
        else:
            super().keepalive_timeout()


def _none(_: object) -> None:
    """No subprotocol, as far as the library is concerned."""
