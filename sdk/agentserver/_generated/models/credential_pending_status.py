"""The enum `CredentialPendingStatus`."""

from agentserver._model import OpenEnum


class CredentialPendingStatus(OpenEnum):
    """What a login waits for, which is a person with a device code."""

    PENDING_DEVICE_CODE = "pending_device_code"
