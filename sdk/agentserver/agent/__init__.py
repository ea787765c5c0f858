"""What an agent's author writes with: `Agent`, what its functions are given, and `Cancelled`."""

from ._agent import Agent
from ._delegation import Delegated
from ._task import Cancelled, Message, Task

__all__ = ["Agent", "Cancelled", "Delegated", "Message", "Task"]
