"""The disabled LLM proxy."""

from typing import NoReturn

from agentserver_reference.domain.errors import ServiceUnavailable


class LlmProxyOff:
    """Rejects every call, because the operator has disabled the proxy."""

    async def _refuse(self, *_: object) -> NoReturn:
        raise ServiceUnavailable("llmproxy not configured")

    quota = set_quota = delete_quota = usage = traces = trace = _refuse

    async def close(self) -> None:
        """See LlmProxy."""
