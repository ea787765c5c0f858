"""The enum `CodexTransportCode`."""

from agentserver._model import OpenEnum


class CodexTransportCode(OpenEnum):
    """`brokerTimeout`: the time was over. `codexRPCError`: codex refused the turn.
    `subprocessCrash`: codex could not be started or reached. `wsDisconnect`: the connection
    to it was lost for any other reason.
    """

    BROKERTIMEOUT = "brokerTimeout"
    CODEXRPCERROR = "codexRPCError"
    SUBPROCESSCRASH = "subprocessCrash"
    WSDISCONNECT = "wsDisconnect"
