"""The enum `CredentialAuthType`."""

from agentserver._model import OpenEnum


class CredentialAuthType(OpenEnum):
    """How the credential proves who the user is: by a token, by a certificate, or by a login
    with OpenID Connect.
    """

    BEARER = "bearer"
    CLIENT_CERT = "client_cert"
    OIDC = "oidc"
