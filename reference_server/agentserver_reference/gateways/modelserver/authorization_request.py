"""The address with which a connection begins, by Authlib: RFC 6749, section 4.1.1, and RFC 7636."""

from agentserver_reference.domain.modelserver import SCOPES


def authorization_url(
    page: str, client_id: str, redirect_uri: str, state: str, verifier: str
) -> str:
    """Return the address of a page with the request in its query."""
    # Imported late: Authlib takes 30 ms at the start, and most servers connect no workspace.
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    url: str = prepare_grant_uri(
        page,
        client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=list(SCOPES),
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        prompt="consent",
    )
    return url
