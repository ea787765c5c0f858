"""A workspace's own language-model endpoint."""

from datetime import datetime

from agentserver_reference.domain.cipher import Cipher
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.domain.llm_config import masked
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import llm_configs
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

NOT_CONFIGURED = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}


async def get(work: UnitOfWork, workspace_id: str) -> Record:
    """Return the endpoint, with its key masked."""
    config = await work.read(llm_configs.find, workspace_id)
    if config is None:
        return NOT_CONFIGURED
    sealed = config.pop("api_key_encrypted")
    api_key = work.context.cipher.decrypt(sealed, row=workspace_id, column=llm_configs.KEY_COLUMN)
    return {"configured": True, "api_key": masked(api_key), **config}


async def store(work: UnitOfWork, workspace_id: str, config: Record) -> None:
    """Replace the URL and the models, and the key if one is given.

    Raises BadRequest if no key is given and none is stored.
    """
    context = work.context
    lock = Lock(workspace=workspace_id)
    await work.write(lock, _store, workspace_id, config, context.cipher, context.clock())


def _store(
    conn: Connection, workspace_id: str, config: Record, cipher: Cipher, now: datetime
) -> None:
    llm_configs.store(
        conn,
        workspace_id,
        base_url=config["base_url"],
        api_key_encrypted=_sealed_key(conn, workspace_id, config, cipher),
        models=[{"id": model["id"], "name": model["name"]} for model in config["models"]],
        now=now,
    )


def _sealed_key(conn: Connection, workspace_id: str, config: Record, cipher: Cipher) -> str:
    """Return the encrypted key: the given one, otherwise the stored one."""
    if "api_key" in config:
        return cipher.encrypt(config["api_key"], row=workspace_id, column=llm_configs.KEY_COLUMN)
    stored = llm_configs.find(conn, workspace_id)
    if stored is None:
        raise BadRequest("api_key: is required, as none is stored")
    sealed: str = stored["api_key_encrypted"]
    return sealed


async def delete(work: UnitOfWork, workspace_id: str) -> None:
    """Remove the endpoint, if there is one."""
    await work.write(Lock(workspace=workspace_id), llm_configs.remove, workspace_id)
