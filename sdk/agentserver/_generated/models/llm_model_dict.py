"""The dictionary `LLMModelDict`."""

from typing import TypedDict


class LLMModelDict(TypedDict):
    """A language model of an endpoint.

    An argument takes it in place of `LLMModel`.
    """

    id: str
    """The model's id at the endpoint. 1 to 255 characters."""
    name: str
    """The model's display name. 1 to 255 characters."""
