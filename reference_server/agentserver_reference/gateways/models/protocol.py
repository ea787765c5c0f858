"""The interface of a language model: the request of a client goes in, the answer comes out."""

from typing import Protocol

import attrs

from agentserver_reference.domain.model_apis import ModelApi
from agentserver_reference.replies import Headers, PassThrough


@attrs.frozen
class ModelRequest:
    """A request to a language model, as the client sent it."""

    api: ModelApi
    method: str
    path: str
    query: str
    """The query string, without `?`."""
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


class Model(Protocol):
    """A language model, or what stands for one."""

    async def send(self, request: ModelRequest, /) -> PassThrough:
        """Return the answer, as soon as its status is known.

        Raises:
            BadRequest: the model cannot read the request.
            BadGateway: the model cannot be reached, or refuses the server's own credential.
        """
        ...
