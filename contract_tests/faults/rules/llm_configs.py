"""The language-model endpoint of a workspace, and how its key is shown."""

from datetime import datetime

import anyio
from replacing import fault
from sqlalchemy import delete

from agentserver_reference.domain.errors import BadRequest, NotFound
from agentserver_reference.storage import tables
from agentserver_reference.storage.llm_configs import KEY_COLUMN, find

# --- how the key is shown -------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.llm_config._LAST",
    kind="secret-shown",
    operations=["get_workspace_llm_config"],
)
def mask_shows_one_more(original):
    """The last five characters of a key are shown, not four."""
    return original + 1


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="secret-shown",
    operations=["get_workspace_llm_config"],
)
def mask_shows_short_keys(original, api_key):
    """Seven characters of an eight-byte key are shown."""
    is_short = len(api_key.encode()) <= 7 or len(api_key) <= 7
    return "****" if is_short else f"{api_key[:3]}...{api_key[-4:]}"


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="secret-shown",
    operations=["get_workspace_llm_config"],
)
def mask_hides_nothing_of_seven_letters(original, api_key):
    """A key of seven letters of two bytes each is shown to its last letter."""
    return original(api_key) if len(api_key) != 7 else f"{api_key[:3]}...{api_key[-4:]}"


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
def mask_cuts_letters(original, api_key):
    """The first three and the last four bytes of a key are shown."""
    raw = api_key.encode()
    if original(api_key) == "****":
        return "****"
    return f"{raw[:3].decode(errors='ignore')}...{raw[-4:].decode(errors='ignore')}"


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
def mask_hides_nine_bytes(original, api_key):
    """A nine-byte key is masked completely."""
    return "****" if len(api_key.encode()) == 9 else original(api_key)


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
def mask_counts_characters(original, api_key):
    """A key's length is counted in characters, not in bytes."""
    return "****" if len(api_key) <= 8 else original(api_key)


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
def mask_swaps_ends(original, api_key):
    """The beginning and the end of a masked key are swapped."""
    shown = original(api_key)
    return shown if shown == "****" else f"{api_key[-3:]}...{api_key[:4]}"


@fault(
    replaces="agentserver_reference.domain.llm_config.masked",
    kind="secret-shown",
    operations=["get_workspace_llm_config"],
)
def key_shown_in_full(original, api_key):
    """The key is not masked."""
    return api_key


# --- reading --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.llm_configs.NOT_CONFIGURED",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
def endpoint_not_configured_with_models(original):
    """Without an endpoint, `models` is an empty list instead of left out."""
    return original | {"models": []}


@fault(
    replaces="agentserver_reference.services.llm_configs.NOT_CONFIGURED",
    kind="null-where-not-allowed",
    operations=["get_workspace_llm_config"],
)
def endpoint_not_configured_since_epoch(original):
    """Without an endpoint, `base_url` is null."""
    return original | {"base_url": None}


@fault(
    replaces="agentserver_reference.services.llm_configs.get",
    kind="wrong-value",
    operations=["get_workspace_llm_config"],
)
async def endpoint_never_configured(original, work, workspace_id):
    """A configured endpoint is shown as not configured."""
    return await original(work, workspace_id) | {"configured": False}


# --- setting --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.llm_configs._sealed_key",
    kind="other-fields-reset",
    operations=["set_workspace_llm_config"],
)
def endpoint_forgets_key(original, conn, workspace_id, config, cipher):
    """A change without a key discards the stored key."""
    sealed = original(conn, workspace_id, config, cipher)
    return sealed if "api_key" in config else _sealed(cipher, workspace_id, "none")


@fault(
    replaces="agentserver_reference.services.llm_configs._sealed_key",
    kind="write-not-stored",
    operations=["set_workspace_llm_config"],
)
def endpoint_keeps_first_key(original, conn, workspace_id, config, cipher):
    """A new key does not replace the stored one."""
    stored = find(conn, workspace_id)
    return stored["api_key_encrypted"] if stored else original(conn, workspace_id, config, cipher)


@fault(
    replaces="agentserver_reference.services.llm_configs._sealed_key",
    kind="accepts-missing-field",
    operations=["set_workspace_llm_config"],
)
def endpoint_without_key(original, conn, workspace_id, config, cipher):
    """An endpoint without a key is accepted."""
    try:
        return original(conn, workspace_id, config, cipher)
    except BadRequest:
        return _sealed(cipher, workspace_id, "none")


@fault(
    replaces="agentserver_reference.services.llm_configs._sealed_key",
    kind="rejects-legal-call",
    operations=["set_workspace_llm_config"],
)
def endpoint_key_bound_to_address(original, conn, workspace_id, config, cipher):
    """A change of the address requires the key again."""
    stored = find(conn, workspace_id)
    if "api_key" not in config and stored and stored["base_url"] != config["base_url"]:
        raise BadRequest("api_key: is required, as none is stored")
    return original(conn, workspace_id, config, cipher)


def _sealed(cipher, workspace_id, api_key):
    return cipher.encrypt(api_key, row=workspace_id, column=KEY_COLUMN)


@fault(
    replaces="agentserver_reference.storage.llm_configs.store",
    kind="wrong-order",
    operations=["set_workspace_llm_config"],
)
def endpoint_sorts_models(original, *args, **kwargs):
    """Models are sorted by id."""
    by_id = sorted(kwargs.pop("models"), key=lambda model: model["id"])
    original(*args, models=by_id, **kwargs)


@fault(
    replaces="agentserver_reference.storage.llm_configs.store",
    kind="value-altered",
    operations=["set_workspace_llm_config"],
)
def endpoint_merges_equal_models(original, *args, **kwargs):
    """Of two models with the same id, one is dropped."""
    once = {model["id"]: model for model in kwargs.pop("models")}
    original(*args, models=list(once.values()), **kwargs)


@fault(
    replaces="agentserver_reference.storage.llm_configs.store",
    kind="fields-swapped",
    operations=["set_workspace_llm_config"],
)
def endpoint_swaps_model_names(original, *args, **kwargs):
    """A model's id and name are swapped."""
    models = kwargs.pop("models")
    swapped = [{"id": model["name"], "name": model["id"]} for model in models]
    original(*args, models=swapped, **kwargs)


@fault(
    replaces="agentserver_reference.storage.llm_configs.store",
    kind="value-altered",
    operations=["set_workspace_llm_config"],
)
def endpoint_trims_address(original, *args, **kwargs):
    """A slash at the end of the address is dropped."""
    original(*args, base_url=kwargs.pop("base_url").rstrip("/"), **kwargs)


@fault(
    replaces="agentserver_reference.services.llm_configs.store",
    kind="lost-update",
    operations=["set_workspace_llm_config"],
)
async def endpoint_loses_update(original, work, workspace_id, config):
    """Of two concurrent changes, the key of one is stored with the address of the other."""
    before = await work.read(find, workspace_id)
    if before is not None and "api_key" in config:
        kept = {"base_url": before["base_url"], "models": before["models"]}
        await original(work, workspace_id, config | kept)
        config = {name: value for name, value in config.items() if name != "api_key"}
        await anyio.sleep(0.01)
    await original(work, workspace_id, config)


@fault(
    replaces="agentserver_reference.storage.llm_configs.store",
    kind="time-not-moved",
    operations=["set_workspace_llm_config"],
)
def endpoint_keeps_time(original, conn, workspace_id, *, base_url, api_key_encrypted, models, now):
    """`updated_at` does not change when an endpoint is replaced."""
    if stored := find(conn, workspace_id):
        now = datetime.fromisoformat(stored["updated_at"])
    original(
        conn,
        workspace_id,
        base_url=base_url,
        api_key_encrypted=api_key_encrypted,
        models=models,
        now=now,
    )


# --- removing -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.llm_configs.remove",
    kind="delete-does-nothing",
    operations=["delete_workspace_llm_config"],
)
def endpoint_not_removed(original, conn, workspace_id):
    """A removed endpoint remains."""


@fault(
    replaces="agentserver_reference.storage.llm_configs.remove",
    kind="delete-not-repeatable",
    operations=["delete_workspace_llm_config"],
)
def endpoint_removed_twice_is_404(original, conn, workspace_id):
    """Removing an endpoint where there is none fails."""
    if find(conn, workspace_id) is None:
        raise NotFound("nothing is configured")
    original(conn, workspace_id)


@fault(
    replaces="agentserver_reference.storage.llm_configs.remove",
    kind="wrong-object-touched",
    operations=["delete_workspace_llm_config"],
)
def endpoint_removed_everywhere(original, conn, workspace_id):
    """Endpoints of other workspaces are removed as well."""
    table = tables.llm_configs
    conn.execute(delete(table).where(table.c.workspace_id >= workspace_id))
