"""Schemas that are not looked at as they should be: bounds, types, required fields."""

from replacing import fault


def _without(keyword, node):
    """A part of the contract without a keyword of its schemas."""
    return _changed(node, lambda pairs: {k: v for k, v in pairs.items() if k != keyword})


def _changed(node, change):
    """A part of the contract, each object in it changed."""
    if isinstance(node, dict):
        return {key: _changed(value, change) for key, value in change(node).items()}
    return [_changed(item, change) for item in node] if isinstance(node, list) else node


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-missing-field",
    operations=["create_workspace", "login", "set_workspace_llm_config"],
)
def nothing_is_required(original, document):
    """Bodies without their required fields are accepted."""
    return original(_without("required", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-too-long",
    operations=["create_workspace", "rename_workspace"],
)
def no_text_is_too_long(original, document):
    """Texts of any length are accepted."""
    return original(_without("maxLength", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-out-of-range",
    operations=["create_workspace", "rename_workspace"],
)
def no_text_is_too_short(original, document):
    """Empty texts are accepted."""
    return original(_without("minLength", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-out-of-range",
    operations=["admin_set_user_quota", "admin_set_workspace_llm_quota"],
)
def no_number_is_too_small(original, document):
    """Negative numbers are accepted."""
    return original(_without("minimum", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="server-error-on-odd-input",
    operations=["admin_set_user_quota", "admin_set_workspace_llm_quota"],
)
def no_number_is_too_great(original, document):
    """Numbers that are too large for the database are accepted."""
    return original(_without("maximum", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-too-long",
    operations=["set_workspace_llm_config"],
)
def no_list_is_too_long(original, document):
    """More than a hundred models are accepted."""
    return original(_without("maxItems", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-out-of-range",
    operations=["add_workspace_member", "update_workspace_member_role", "admin_update_user_role"],
)
def every_word_is_a_role(original, document):
    """Unknown roles are accepted."""
    return original(_without("enum", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-malformed",
    operations=["register_user", "create_workspace", "set_workspace_llm_config"],
)
def no_text_has_a_form(original, document):
    """Texts that break their pattern are accepted."""
    return original(_without("pattern", document))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="accepts-wrong-type",
    operations=["admin_set_user_quota", "admin_set_workspace_quota"],
)
def values_have_any_type(original, document):
    """Text is accepted for a number."""
    return original(_without("type", document))


@fault(
    replaces="agentserver_reference.contract.MaxBytes.validate",
    kind="accepts-too-long",
    operations=["register_user"],
)
def passwords_of_any_length_in_bytes(original, self, instance):
    """The length of a password is counted in characters, not in bytes."""
    if isinstance(instance, str) and len(instance) > self.limit:
        raise ValueError(f"must have at most {self.limit} characters")


@fault(
    replaces="agentserver_reference.contract.MaxBytes.validate",
    kind="rejects-legal-boundary",
    operations=["register_user"],
)
def passwords_of_72_bytes_refused(original, self, instance):
    """The longest allowed password is refused."""
    if isinstance(instance, str) and len(instance.encode()) >= self.limit:
        raise ValueError(f"must have fewer than {self.limit} bytes")


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="rejects-legal-boundary",
    operations=["create_workspace", "rename_workspace"],
)
def names_of_255_characters_refused(original, document):
    """The longest allowed name is refused."""

    def shortened(pairs):
        return pairs | {"maxLength": 254} if pairs.get("maxLength") == 255 else pairs

    return original(_changed(document, shortened))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="rejects-legal-null",
    operations=[
        "admin_set_user_quota",
        "admin_set_workspace_quota",
        "admin_set_workspace_llm_quota",
    ],
)
def numbers_may_not_be_null(original, document):
    """Null is refused where it means the default."""

    def never_null(pairs):
        return pairs | {"type": "integer"} if pairs.get("type") == ["integer", "null"] else pairs

    return original(_changed(document, never_null))


@fault(
    replaces="agentserver_reference.contract._registry",
    kind="rejects-legal-boundary",
    operations=["admin_set_user_quota", "admin_set_quota_defaults"],
)
def greatest_number_refused(original, document):
    """The largest allowed number is refused."""

    def lowered(pairs):
        return pairs | {"maximum": pairs["maximum"] - 1} if "maximum" in pairs else pairs

    return original(_changed(document, lowered))
