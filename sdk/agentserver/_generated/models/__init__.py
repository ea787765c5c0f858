"""The models and enums of the contract, each imported when it is first asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .admin_owner_info import AdminOwnerInfo
    from .admin_quota_defaults_response import AdminQuotaDefaultsResponse
    from .admin_sandbox_item import AdminSandboxItem
    from .admin_user_item import AdminUserItem
    from .admin_user_quota_defaults import AdminUserQuotaDefaults
    from .admin_user_quota_overrides import AdminUserQuotaOverrides
    from .admin_user_quota_response import AdminUserQuotaResponse
    from .admin_workspace_item import AdminWorkspaceItem
    from .admin_workspace_quota_defaults import AdminWorkspaceQuotaDefaults
    from .admin_workspace_quota_overrides import AdminWorkspaceQuotaOverrides
    from .admin_workspace_quota_response import AdminWorkspaceQuotaResponse
    from .agent_card_item import AgentCardItem
    from .agent_card_register_response import AgentCardRegisterResponse
    from .agent_interaction_action import AgentInteractionAction
    from .agent_interaction_item import AgentInteractionItem
    from .agent_interaction_target import AgentInteractionTarget
    from .agent_mailbox_message import AgentMailboxMessage
    from .agent_mailbox_send_response import AgentMailboxSendResponse
    from .agent_register_response import AgentRegisterResponse
    from .agent_registration_type import AgentRegistrationType
    from .agent_status import AgentStatus
    from .agent_task_cancel_response import AgentTaskCancelResponse
    from .agent_task_create_response import AgentTaskCreateResponse
    from .agent_task_detail import AgentTaskDetail
    from .agent_task_item import AgentTaskItem
    from .agent_task_poll_item import AgentTaskPollItem
    from .api_key_scope import APIKeyScope
    from .api_key_scope_descriptor import APIKeyScopeDescriptor
    from .auth_me_response import AuthMeResponse
    from .auth_register_response import AuthRegisterResponse
    from .auth_status_response import AuthStatusResponse
    from .codex_browser_item import CodexBrowserItem
    from .codex_token_list_item import CodexTokenListItem
    from .codex_token_mint_response import CodexTokenMintResponse
    from .codex_transport_code import CodexTransportCode
    from .codex_transport_error import CodexTransportError
    from .codex_turn import CodexTurn
    from .codex_turn_error import CodexTurnError
    from .codex_turn_item import CodexTurnItem
    from .codex_turn_response import CodexTurnResponse
    from .codex_turn_status import CodexTurnStatus
    from .credential_auth_type import CredentialAuthType
    from .credential_binding_create_response import CredentialBindingCreateResponse
    from .credential_binding_item import CredentialBindingItem
    from .credential_binding_pending import CredentialBindingPending
    from .credential_pending_status import CredentialPendingStatus
    from .credential_public_meta import CredentialPublicMeta
    from .executor_connect_commands import ExecutorConnectCommands
    from .executor_item import ExecutorItem
    from .executor_register_response import ExecutorRegisterResponse
    from .im_binding import IMBinding
    from .im_channel import IMChannel
    from .im_channel_list_response import IMChannelListResponse
    from .im_channel_patch_response import IMChannelPatchResponse
    from .im_matrix_configure_response import IMMatrixConfigureResponse
    from .im_provider import IMProvider
    from .im_routing_mode import IMRoutingMode
    from .im_sandbox_bind_response import IMSandboxBindResponse
    from .im_sandbox_unbind_response import IMSandboxUnbindResponse
    from .im_telegram_configure_response import IMTelegramConfigureResponse
    from .im_weixin_qr_start_response import IMWeixinQRStartResponse
    from .im_weixin_qr_wait_response import IMWeixinQRWaitResponse
    from .im_weixin_status import IMWeixinStatus
    from .llm_config_response import LLMConfigResponse
    from .llm_config_upsert_response import LLMConfigUpsertResponse
    from .llm_model import LLMModel
    from .llm_model_dict import LLMModelDict
    from .llm_quota_response import LLMQuotaResponse
    from .llm_workspace_quota_part import LLMWorkspaceQuotaPart
    from .model_server_status_response import ModelServerStatusResponse
    from .operation_record import OperationRecord
    from .operation_source import OperationSource
    from .reported_task_status import ReportedTaskStatus
    from .sandbox import Sandbox
    from .sandbox_kind import SandboxKind
    from .sandbox_lifecycle_status_response import SandboxLifecycleStatusResponse
    from .sandbox_status import SandboxStatus
    from .sandbox_type import SandboxType
    from .sandbox_usage import SandboxUsage
    from .sandbox_usage_summary import SandboxUsageSummary
    from .task_status import TaskStatus
    from .trace_detail_response import TraceDetailResponse
    from .trace_list_response import TraceListResponse
    from .trace_record import TraceRecord
    from .trace_request import TraceRequest
    from .trace_source import TraceSource
    from .user_role import UserRole
    from .workspace import Workspace
    from .workspace_api_key import WorkspaceAPIKey
    from .workspace_api_key_mint_response import WorkspaceAPIKeyMintResponse
    from .workspace_defaults_response import WorkspaceDefaultsResponse
    from .workspace_member import WorkspaceMember
    from .workspace_operations_response import WorkspaceOperationsResponse
    from .workspace_quota_response import WorkspaceQuotaResponse
    from .workspace_role import WorkspaceRole
else:
    from importlib import import_module

    _MODULES = {
        "AdminOwnerInfo": ".admin_owner_info",
        "AdminQuotaDefaultsResponse": ".admin_quota_defaults_response",
        "AdminSandboxItem": ".admin_sandbox_item",
        "AdminUserItem": ".admin_user_item",
        "AdminUserQuotaDefaults": ".admin_user_quota_defaults",
        "AdminUserQuotaOverrides": ".admin_user_quota_overrides",
        "AdminUserQuotaResponse": ".admin_user_quota_response",
        "AdminWorkspaceItem": ".admin_workspace_item",
        "AdminWorkspaceQuotaDefaults": ".admin_workspace_quota_defaults",
        "AdminWorkspaceQuotaOverrides": ".admin_workspace_quota_overrides",
        "AdminWorkspaceQuotaResponse": ".admin_workspace_quota_response",
        "AgentCardItem": ".agent_card_item",
        "AgentCardRegisterResponse": ".agent_card_register_response",
        "AgentInteractionAction": ".agent_interaction_action",
        "AgentInteractionItem": ".agent_interaction_item",
        "AgentInteractionTarget": ".agent_interaction_target",
        "AgentMailboxMessage": ".agent_mailbox_message",
        "AgentMailboxSendResponse": ".agent_mailbox_send_response",
        "AgentRegisterResponse": ".agent_register_response",
        "AgentRegistrationType": ".agent_registration_type",
        "AgentStatus": ".agent_status",
        "AgentTaskCancelResponse": ".agent_task_cancel_response",
        "AgentTaskCreateResponse": ".agent_task_create_response",
        "AgentTaskDetail": ".agent_task_detail",
        "AgentTaskItem": ".agent_task_item",
        "AgentTaskPollItem": ".agent_task_poll_item",
        "APIKeyScope": ".api_key_scope",
        "APIKeyScopeDescriptor": ".api_key_scope_descriptor",
        "AuthMeResponse": ".auth_me_response",
        "AuthRegisterResponse": ".auth_register_response",
        "AuthStatusResponse": ".auth_status_response",
        "CodexBrowserItem": ".codex_browser_item",
        "CodexTokenListItem": ".codex_token_list_item",
        "CodexTokenMintResponse": ".codex_token_mint_response",
        "CodexTransportCode": ".codex_transport_code",
        "CodexTransportError": ".codex_transport_error",
        "CodexTurn": ".codex_turn",
        "CodexTurnError": ".codex_turn_error",
        "CodexTurnItem": ".codex_turn_item",
        "CodexTurnResponse": ".codex_turn_response",
        "CodexTurnStatus": ".codex_turn_status",
        "CredentialAuthType": ".credential_auth_type",
        "CredentialBindingCreateResponse": ".credential_binding_create_response",
        "CredentialBindingItem": ".credential_binding_item",
        "CredentialBindingPending": ".credential_binding_pending",
        "CredentialPendingStatus": ".credential_pending_status",
        "CredentialPublicMeta": ".credential_public_meta",
        "ExecutorConnectCommands": ".executor_connect_commands",
        "ExecutorItem": ".executor_item",
        "ExecutorRegisterResponse": ".executor_register_response",
        "IMBinding": ".im_binding",
        "IMChannel": ".im_channel",
        "IMChannelListResponse": ".im_channel_list_response",
        "IMChannelPatchResponse": ".im_channel_patch_response",
        "IMMatrixConfigureResponse": ".im_matrix_configure_response",
        "IMProvider": ".im_provider",
        "IMRoutingMode": ".im_routing_mode",
        "IMSandboxBindResponse": ".im_sandbox_bind_response",
        "IMSandboxUnbindResponse": ".im_sandbox_unbind_response",
        "IMTelegramConfigureResponse": ".im_telegram_configure_response",
        "IMWeixinQRStartResponse": ".im_weixin_qr_start_response",
        "IMWeixinQRWaitResponse": ".im_weixin_qr_wait_response",
        "IMWeixinStatus": ".im_weixin_status",
        "LLMConfigResponse": ".llm_config_response",
        "LLMConfigUpsertResponse": ".llm_config_upsert_response",
        "LLMModel": ".llm_model",
        "LLMQuotaResponse": ".llm_quota_response",
        "LLMWorkspaceQuotaPart": ".llm_workspace_quota_part",
        "ModelServerStatusResponse": ".model_server_status_response",
        "OperationRecord": ".operation_record",
        "OperationSource": ".operation_source",
        "ReportedTaskStatus": ".reported_task_status",
        "Sandbox": ".sandbox",
        "SandboxKind": ".sandbox_kind",
        "SandboxLifecycleStatusResponse": ".sandbox_lifecycle_status_response",
        "SandboxStatus": ".sandbox_status",
        "SandboxType": ".sandbox_type",
        "SandboxUsage": ".sandbox_usage",
        "SandboxUsageSummary": ".sandbox_usage_summary",
        "TaskStatus": ".task_status",
        "TraceDetailResponse": ".trace_detail_response",
        "TraceListResponse": ".trace_list_response",
        "TraceRecord": ".trace_record",
        "TraceRequest": ".trace_request",
        "TraceSource": ".trace_source",
        "UserRole": ".user_role",
        "Workspace": ".workspace",
        "WorkspaceAPIKey": ".workspace_api_key",
        "WorkspaceAPIKeyMintResponse": ".workspace_api_key_mint_response",
        "WorkspaceDefaultsResponse": ".workspace_defaults_response",
        "WorkspaceMember": ".workspace_member",
        "WorkspaceOperationsResponse": ".workspace_operations_response",
        "WorkspaceQuotaResponse": ".workspace_quota_response",
        "WorkspaceRole": ".workspace_role",
        "LLMModelDict": ".llm_model_dict",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_MODULES[name], __name__), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return [*globals(), *_MODULES]


__all__ = (
    "APIKeyScope",
    "APIKeyScopeDescriptor",
    "AdminOwnerInfo",
    "AdminQuotaDefaultsResponse",
    "AdminSandboxItem",
    "AdminUserItem",
    "AdminUserQuotaDefaults",
    "AdminUserQuotaOverrides",
    "AdminUserQuotaResponse",
    "AdminWorkspaceItem",
    "AdminWorkspaceQuotaDefaults",
    "AdminWorkspaceQuotaOverrides",
    "AdminWorkspaceQuotaResponse",
    "AgentCardItem",
    "AgentCardRegisterResponse",
    "AgentInteractionAction",
    "AgentInteractionItem",
    "AgentInteractionTarget",
    "AgentMailboxMessage",
    "AgentMailboxSendResponse",
    "AgentRegisterResponse",
    "AgentRegistrationType",
    "AgentStatus",
    "AgentTaskCancelResponse",
    "AgentTaskCreateResponse",
    "AgentTaskDetail",
    "AgentTaskItem",
    "AgentTaskPollItem",
    "AuthMeResponse",
    "AuthRegisterResponse",
    "AuthStatusResponse",
    "CodexBrowserItem",
    "CodexTokenListItem",
    "CodexTokenMintResponse",
    "CodexTransportCode",
    "CodexTransportError",
    "CodexTurn",
    "CodexTurnError",
    "CodexTurnItem",
    "CodexTurnResponse",
    "CodexTurnStatus",
    "CredentialAuthType",
    "CredentialBindingCreateResponse",
    "CredentialBindingItem",
    "CredentialBindingPending",
    "CredentialPendingStatus",
    "CredentialPublicMeta",
    "ExecutorConnectCommands",
    "ExecutorItem",
    "ExecutorRegisterResponse",
    "IMBinding",
    "IMChannel",
    "IMChannelListResponse",
    "IMChannelPatchResponse",
    "IMMatrixConfigureResponse",
    "IMProvider",
    "IMRoutingMode",
    "IMSandboxBindResponse",
    "IMSandboxUnbindResponse",
    "IMTelegramConfigureResponse",
    "IMWeixinQRStartResponse",
    "IMWeixinQRWaitResponse",
    "IMWeixinStatus",
    "LLMConfigResponse",
    "LLMConfigUpsertResponse",
    "LLMModel",
    "LLMModelDict",
    "LLMQuotaResponse",
    "LLMWorkspaceQuotaPart",
    "ModelServerStatusResponse",
    "OperationRecord",
    "OperationSource",
    "ReportedTaskStatus",
    "Sandbox",
    "SandboxKind",
    "SandboxLifecycleStatusResponse",
    "SandboxStatus",
    "SandboxType",
    "SandboxUsage",
    "SandboxUsageSummary",
    "TaskStatus",
    "TraceDetailResponse",
    "TraceListResponse",
    "TraceRecord",
    "TraceRequest",
    "TraceSource",
    "UserRole",
    "Workspace",
    "WorkspaceAPIKey",
    "WorkspaceAPIKeyMintResponse",
    "WorkspaceDefaultsResponse",
    "WorkspaceMember",
    "WorkspaceOperationsResponse",
    "WorkspaceQuotaResponse",
    "WorkspaceRole",
)
