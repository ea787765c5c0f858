"""The models and enums of operations, each imported when it is first asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentserver._generated.models import *  # noqa: F403
else:
    from agentserver._generated import models as _models

    __all__ = _models.__all__

    def __getattr__(name: str) -> object:
        return getattr(_models, name)

    def __dir__() -> list[str]:
        return list(__all__)
