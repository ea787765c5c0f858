"""Calls every operation, synchronously and asynchronously. It is type-checked, never run."""

from datetime import datetime
from typing import assert_type

from agentserver import AsyncClient, Client
from agentserver.models import (
    AdminQuotaDefaultsResponse,
    AdminSandboxItem,
    AdminUserItem,
    AdminUserQuotaResponse,
    AdminWorkspaceItem,
    AdminWorkspaceQuotaResponse,
    AgentCardItem,
    AgentCardRegisterResponse,
    AgentInteractionItem,
    AgentMailboxMessage,
    AgentMailboxSendResponse,
    AgentRegisterResponse,
    AgentTaskCancelResponse,
    AgentTaskCreateResponse,
    AgentTaskDetail,
    AgentTaskItem,
    AgentTaskPollItem,
    APIKeyScopeDescriptor,
    AuthMeResponse,
    AuthRegisterResponse,
    AuthStatusResponse,
    CodexBrowserItem,
    CodexTokenListItem,
    CodexTokenMintResponse,
    CodexTurnResponse,
    CredentialBindingCreateResponse,
    CredentialBindingItem,
    CredentialBindingPending,
    ExecutorItem,
    ExecutorRegisterResponse,
    IMChannelListResponse,
    IMChannelPatchResponse,
    IMMatrixConfigureResponse,
    IMSandboxBindResponse,
    IMSandboxUnbindResponse,
    IMTelegramConfigureResponse,
    IMWeixinQRStartResponse,
    IMWeixinQRWaitResponse,
    LLMConfigResponse,
    LLMConfigUpsertResponse,
    LLMQuotaResponse,
    ModelServerStatusResponse,
    OperationRecord,
    Sandbox,
    SandboxLifecycleStatusResponse,
    SandboxUsage,
    TraceDetailResponse,
    TraceRecord,
    Workspace,
    WorkspaceAPIKey,
    WorkspaceAPIKeyMintResponse,
    WorkspaceDefaultsResponse,
    WorkspaceMember,
    WorkspaceQuotaResponse,
)
from agentserver.pagination import AsyncCursorPager, AsyncPager, CursorPager, Page, Pager


def synchronously(client: Client) -> None:
    assert_type(
        client.auth.register(email="alice@example.com", password="correct horse battery staple"),
        AuthRegisterResponse,
    )
    assert_type(
        client.auth.login(email="alice@example.com", password="correct horse battery staple"),
        AuthStatusResponse,
    )
    assert_type(client.auth.logout(), AuthStatusResponse)
    assert_type(client.auth.check(), AuthStatusResponse)
    assert_type(client.auth.me(), AuthMeResponse)
    assert_type(client.workspaces.list(), Page[Workspace])
    assert_type(client.workspaces.create(name="My workspace"), Workspace)
    assert_type(client.workspaces.get_creation_quota(), WorkspaceQuotaResponse)
    assert_type(client.workspaces.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Workspace)
    client.workspaces.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        client.workspaces.rename("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Renamed workspace"),
        Workspace,
    )
    assert_type(
        client.workspaces.get_defaults("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        WorkspaceDefaultsResponse,
    )
    assert_type(
        client.workspaces.llm_config.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), LLMConfigResponse
    )
    assert_type(
        client.workspaces.llm_config.set(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            base_url="https://api.example.com/v1",
            models=[{"id": "example-large", "name": "Example Large"}],
            api_key="sk-0123456789abcdef",
        ),
        LLMConfigUpsertResponse,
    )
    client.workspaces.llm_config.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        client.workspaces.get_llm_quota("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), LLMQuotaResponse
    )
    assert_type(
        client.workspaces.members.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        Page[WorkspaceMember],
    )
    assert_type(
        client.workspaces.members.add(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", email="bob@example.com", role="developer"
        ),
        WorkspaceMember,
    )
    client.workspaces.members.set_role(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11",
        role="maintainer",
    )
    client.workspaces.members.remove(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"
    )
    assert_type(client.sandboxes.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[Sandbox])
    assert_type(
        client.sandboxes.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="My sandbox",
            type="opencode",
            cpu=1000,
            memory=1073741824,
            idle_timeout=600,
            metadata={"purpose": "review"},
            wait=True,
        ),
        Sandbox,
    )
    assert_type(
        client.sandboxes.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="My sandbox",
            type="opencode",
            cpu=1000,
            memory=1073741824,
            idle_timeout=600,
            metadata={"purpose": "review"},
        ),
        Sandbox,
    )
    assert_type(
        client.sandboxes.im.bind(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            channel_id="3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70",
        ),
        IMSandboxBindResponse,
    )
    assert_type(
        client.sandboxes.im.unbind("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), IMSandboxUnbindResponse
    )
    assert_type(client.sandboxes.get("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), Sandbox)
    assert_type(client.sandboxes.wait("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), Sandbox)
    client.sandboxes.delete("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44")
    assert_type(
        client.sandboxes.rename("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", name="Renamed sandbox"),
        Sandbox,
    )
    assert_type(
        client.sandboxes.pause("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"),
        SandboxLifecycleStatusResponse,
    )
    assert_type(
        client.sandboxes.resume("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"),
        SandboxLifecycleStatusResponse,
    )
    assert_type(
        client.sandboxes.get_usage(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            since=datetime.fromisoformat("2026-11-23T10:00:00Z"),
        ),
        SandboxUsage,
    )
    assert_type(
        client.traces.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", limit=20, offset=40),
        Pager[TraceRecord],
    )
    assert_type(
        client.traces.get(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "at-0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"
        ),
        TraceDetailResponse,
    )
    assert_type(
        client.traces.list_of_sandbox("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", limit=20, offset=40),
        Pager[TraceRecord],
    )
    assert_type(
        client.traces.get_of_sandbox(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", "at-0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"
        ),
        TraceDetailResponse,
    )
    assert_type(client.agents.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[AgentCardItem])
    assert_type(client.agents.get("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), AgentCardItem)
    assert_type(client.agents.register(name="Reviewer", type="custom"), AgentRegisterResponse)
    assert_type(client.agents.discover(), Page[AgentCardItem])
    assert_type(
        client.agents.publish_card(
            display_name="Reviewer",
            description="Reviews changes in Python.",
            agent_type="custom",
            card={"skills": [{"name": "review", "description": "Review a change."}]},
        ),
        AgentCardRegisterResponse,
    )
    assert_type(
        client.agents.interactions.list(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", limit=20, offset=40
        ),
        Page[AgentInteractionItem],
    )
    assert_type(client.tasks.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[AgentTaskItem])
    assert_type(
        client.tasks.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            wait=True,
        ),
        AgentTaskDetail,
    )
    assert_type(
        client.tasks.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
        ),
        AgentTaskCreateResponse,
    )
    assert_type(
        client.tasks.get("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8", include_output=True),
        AgentTaskDetail,
    )
    assert_type(client.tasks.wait("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"), AgentTaskDetail)
    assert_type(
        client.tasks.cancel("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"), AgentTaskCancelResponse
    )
    assert_type(
        client.tasks.delegate(
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
        ),
        AgentTaskCreateResponse,
    )
    assert_type(
        client.tasks.poll(sandbox_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", limit=5),
        Page[AgentTaskPollItem],
    )
    assert_type(
        client.tasks.get_as_agent("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8", include_output=True),
        AgentTaskDetail,
    )
    client.tasks.report(
        "task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8",
        status="completed",
        failure_reason="The repository could not be cloned.",
        result={"approved": True},
        total_cost_usd=0.25,
        num_turns=3,
    )
    assert_type(
        client.mailbox.send(
            to="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", text="The tests pass.", msg_type="text"
        ),
        AgentMailboxSendResponse,
    )
    assert_type(client.mailbox.read(limit=10), Page[AgentMailboxMessage])
    assert_type(client.api_keys.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[WorkspaceAPIKey])
    assert_type(
        client.api_keys.mint(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Nightly bot", scopes=["turns:submit"]
        ),
        WorkspaceAPIKeyMintResponse,
    )
    assert_type(
        client.api_keys.list_scopes("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        Page[APIKeyScopeDescriptor],
    )
    client.api_keys.revoke("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "wak_7Q2MX9TB")
    assert_type(
        client.turns.submit(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            params={"input": [{"type": "text", "text": "What does the parser do?"}]},
            idempotency_key="0b9e2a54-9f0e-4b3f-8d0b-1f5c7a1e6d20",
            thread_id="6f0e2f9d-1a34-4c57-b0a5-6a0d3c1c9e21",
            timeout_ms=600000,
        ),
        CodexTurnResponse,
    )
    assert_type(
        client.operations_log.list(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            env_id="local",
            tool="turn",
            source="sdk",
            is_error=False,
            since=datetime.fromisoformat("2026-11-23T10:00:00Z"),
            before="9c1e2f9d-1a34-4c57-b0a5-6a0d3c6f0e21",
            limit=20,
        ),
        CursorPager[OperationRecord],
    )
    assert_type(client.executors.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[ExecutorItem])
    assert_type(
        client.executors.register(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="build-machine",
            description="Runs the tests",
        ),
        ExecutorRegisterResponse,
    )
    client.executors.unbind(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "exe_5b0f5c5e-5a0e-4a55-9d52-0c6e2f1f7a10"
    )
    assert_type(
        client.tokens.list(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", include_revoked=True
        ),
        Page[CodexTokenListItem],
    )
    assert_type(
        client.tokens.mint(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Laptop", ttl_days=90
        ),
        CodexTokenMintResponse,
    )
    client.tokens.revoke("7q2mx9tb")
    assert_type(
        client.tokens.list_browsers("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[CodexBrowserItem]
    )
    assert_type(
        client.credentials.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s"),
        Page[CredentialBindingItem],
    )
    assert_type(
        client.credentials.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "k8s",
            display_name="Production",
            config="apiVersion: v1\nkind: Config\ncurrent-context: production\nclusters:\n  - name: cluster\n    cluster:\n      server: https://k8s.example.com:6443\ncontexts:\n  - name: production\n    context:\n      cluster: cluster\n      user: agent\nusers:\n  - name: agent\n    user:\n      token: eXaMpLe-0123456789\n",
            wait=True,
        ),
        CredentialBindingCreateResponse,
    )
    assert_type(
        client.credentials.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "k8s",
            display_name="Production",
            config="apiVersion: v1\nkind: Config\ncurrent-context: production\nclusters:\n  - name: cluster\n    cluster:\n      server: https://k8s.example.com:6443\ncontexts:\n  - name: production\n    context:\n      cluster: cluster\n      user: agent\nusers:\n  - name: agent\n    user:\n      token: eXaMpLe-0123456789\n",
        ),
        CredentialBindingCreateResponse | CredentialBindingPending,
    )
    client.credentials.delete(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
    )
    client.credentials.update(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        "k8s",
        "9u1wT89xRYFvzCvtZkiYqA",
        display_name="Production, read only",
    )
    client.credentials.set_default(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
    )
    assert_type(
        client.credentials.complete(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
        ),
        CredentialBindingCreateResponse | CredentialBindingPending,
    )
    assert_type(client.workspaces.modelserver.connect("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), str)
    assert_type(
        client.workspaces.modelserver.get_status("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        ModelServerStatusResponse,
    )
    client.workspaces.modelserver.disconnect("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        client.workspaces.im.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), IMChannelListResponse
    )
    client.workspaces.im.delete(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70"
    )
    assert_type(
        client.workspaces.im.update(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70",
            require_mention=True,
            routing_mode="nanoclaw",
        ),
        IMChannelPatchResponse,
    )
    assert_type(
        client.workspaces.im.configure_telegram(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            bot_token="123456789:AAExAmPlE-token-of-a-bot-0123456789",
        ),
        IMTelegramConfigureResponse,
    )
    assert_type(
        client.workspaces.im.configure_matrix(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            homeserver_url="https://matrix.example.com",
            access_token="syt_eXaMpLe_0123456789",
            recovery_key="EsTc eXaM pLe0 1234",
        ),
        IMMatrixConfigureResponse,
    )
    assert_type(
        client.workspaces.im.start_weixin_login("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", wait=True),
        IMWeixinQRWaitResponse,
    )
    assert_type(
        client.workspaces.im.start_weixin_login("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        IMWeixinQRStartResponse,
    )
    assert_type(
        client.workspaces.im.wait_weixin_login("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        IMWeixinQRWaitResponse,
    )
    assert_type(client.admin.users.list(), Page[AdminUserItem])
    client.admin.users.set_role("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11", role="admin")
    assert_type(
        client.admin.users.quota.get("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"), AdminUserQuotaResponse
    )
    client.admin.users.quota.set("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11", max_workspaces=30)
    client.admin.users.quota.delete("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11")
    assert_type(client.admin.workspaces.list(), Page[AdminWorkspaceItem])
    assert_type(
        client.admin.workspaces.quota.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        AdminWorkspaceQuotaResponse,
    )
    client.admin.workspaces.quota.set(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        max_sandboxes=5,
        max_sandbox_cpu=4000,
        max_sandbox_memory=4294967296,
        max_idle_timeout=3600,
        max_total_cpu=8000,
        max_total_memory=8589934592,
        max_drive_size=21474836480,
    )
    client.admin.workspaces.quota.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        client.admin.workspaces.llm_quota.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        LLMQuotaResponse,
    )
    client.admin.workspaces.llm_quota.set("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", max_rpd=100)
    client.admin.workspaces.llm_quota.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(client.admin.sandboxes.list(), Page[AdminSandboxItem])
    assert_type(client.admin.quota_defaults.get(), AdminQuotaDefaultsResponse)
    assert_type(
        client.admin.quota_defaults.set(max_workspaces_per_user=15, max_idle_timeout=3600),
        AdminQuotaDefaultsResponse,
    )
    client.health.check()


async def asynchronously(client: AsyncClient) -> None:
    assert_type(
        await client.auth.register(
            email="alice@example.com", password="correct horse battery staple"
        ),
        AuthRegisterResponse,
    )
    assert_type(
        await client.auth.login(email="alice@example.com", password="correct horse battery staple"),
        AuthStatusResponse,
    )
    assert_type(await client.auth.logout(), AuthStatusResponse)
    assert_type(await client.auth.check(), AuthStatusResponse)
    assert_type(await client.auth.me(), AuthMeResponse)
    assert_type(await client.workspaces.list(), Page[Workspace])
    assert_type(await client.workspaces.create(name="My workspace"), Workspace)
    assert_type(await client.workspaces.get_creation_quota(), WorkspaceQuotaResponse)
    assert_type(await client.workspaces.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Workspace)
    await client.workspaces.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        await client.workspaces.rename(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Renamed workspace"
        ),
        Workspace,
    )
    assert_type(
        await client.workspaces.get_defaults("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        WorkspaceDefaultsResponse,
    )
    assert_type(
        await client.workspaces.llm_config.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        LLMConfigResponse,
    )
    assert_type(
        await client.workspaces.llm_config.set(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            base_url="https://api.example.com/v1",
            models=[{"id": "example-large", "name": "Example Large"}],
            api_key="sk-0123456789abcdef",
        ),
        LLMConfigUpsertResponse,
    )
    await client.workspaces.llm_config.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        await client.workspaces.get_llm_quota("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        LLMQuotaResponse,
    )
    assert_type(
        await client.workspaces.members.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        Page[WorkspaceMember],
    )
    assert_type(
        await client.workspaces.members.add(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", email="bob@example.com", role="developer"
        ),
        WorkspaceMember,
    )
    await client.workspaces.members.set_role(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11",
        role="maintainer",
    )
    await client.workspaces.members.remove(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"
    )
    assert_type(await client.sandboxes.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[Sandbox])
    assert_type(
        await client.sandboxes.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="My sandbox",
            type="opencode",
            cpu=1000,
            memory=1073741824,
            idle_timeout=600,
            metadata={"purpose": "review"},
            wait=True,
        ),
        Sandbox,
    )
    assert_type(
        await client.sandboxes.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="My sandbox",
            type="opencode",
            cpu=1000,
            memory=1073741824,
            idle_timeout=600,
            metadata={"purpose": "review"},
        ),
        Sandbox,
    )
    assert_type(
        await client.sandboxes.im.bind(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            channel_id="3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70",
        ),
        IMSandboxBindResponse,
    )
    assert_type(
        await client.sandboxes.im.unbind("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"),
        IMSandboxUnbindResponse,
    )
    assert_type(await client.sandboxes.get("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), Sandbox)
    assert_type(await client.sandboxes.wait("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), Sandbox)
    await client.sandboxes.delete("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44")
    assert_type(
        await client.sandboxes.rename(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", name="Renamed sandbox"
        ),
        Sandbox,
    )
    assert_type(
        await client.sandboxes.pause("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"),
        SandboxLifecycleStatusResponse,
    )
    assert_type(
        await client.sandboxes.resume("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"),
        SandboxLifecycleStatusResponse,
    )
    assert_type(
        await client.sandboxes.get_usage(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            since=datetime.fromisoformat("2026-11-23T10:00:00Z"),
        ),
        SandboxUsage,
    )
    assert_type(
        await client.traces.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", limit=20, offset=40),
        AsyncPager[TraceRecord],
    )
    assert_type(
        await client.traces.get(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "at-0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"
        ),
        TraceDetailResponse,
    )
    assert_type(
        await client.traces.list_of_sandbox(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", limit=20, offset=40
        ),
        AsyncPager[TraceRecord],
    )
    assert_type(
        await client.traces.get_of_sandbox(
            "5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", "at-0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"
        ),
        TraceDetailResponse,
    )
    assert_type(
        await client.agents.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[AgentCardItem]
    )
    assert_type(await client.agents.get("5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44"), AgentCardItem)
    assert_type(await client.agents.register(name="Reviewer", type="custom"), AgentRegisterResponse)
    assert_type(await client.agents.discover(), Page[AgentCardItem])
    assert_type(
        await client.agents.publish_card(
            display_name="Reviewer",
            description="Reviews changes in Python.",
            agent_type="custom",
            card={"skills": [{"name": "review", "description": "Review a change."}]},
        ),
        AgentCardRegisterResponse,
    )
    assert_type(
        await client.agents.interactions.list(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", limit=20, offset=40
        ),
        Page[AgentInteractionItem],
    )
    assert_type(
        await client.tasks.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[AgentTaskItem]
    )
    assert_type(
        await client.tasks.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            wait=True,
        ),
        AgentTaskDetail,
    )
    assert_type(
        await client.tasks.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
        ),
        AgentTaskCreateResponse,
    )
    assert_type(
        await client.tasks.get("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8", include_output=True),
        AgentTaskDetail,
    )
    assert_type(
        await client.tasks.wait("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"), AgentTaskDetail
    )
    assert_type(
        await client.tasks.cancel("task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8"),
        AgentTaskCancelResponse,
    )
    assert_type(
        await client.tasks.delegate(
            target_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
            prompt="Review the last change.",
            skill="review",
            system_context="The project is written in Python.",
            max_turns=50,
            max_budget_usd=1.5,
            timeout_seconds=600,
            requester_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44",
        ),
        AgentTaskCreateResponse,
    )
    assert_type(
        await client.tasks.poll(sandbox_id="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", limit=5),
        Page[AgentTaskPollItem],
    )
    assert_type(
        await client.tasks.get_as_agent(
            "task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8", include_output=True
        ),
        AgentTaskDetail,
    )
    await client.tasks.report(
        "task_0d3f5c1e-7c52-4c39-9f0a-51d3a2b4c6d8",
        status="completed",
        failure_reason="The repository could not be cloned.",
        result={"approved": True},
        total_cost_usd=0.25,
        num_turns=3,
    )
    assert_type(
        await client.mailbox.send(
            to="5d5c1a0f-3f1e-4f0b-8f2b-1d1f0b6a7c44", text="The tests pass.", msg_type="text"
        ),
        AgentMailboxSendResponse,
    )
    assert_type(await client.mailbox.read(limit=10), Page[AgentMailboxMessage])
    assert_type(
        await client.api_keys.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[WorkspaceAPIKey]
    )
    assert_type(
        await client.api_keys.mint(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Nightly bot", scopes=["turns:submit"]
        ),
        WorkspaceAPIKeyMintResponse,
    )
    assert_type(
        await client.api_keys.list_scopes("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        Page[APIKeyScopeDescriptor],
    )
    await client.api_keys.revoke("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "wak_7Q2MX9TB")
    assert_type(
        await client.turns.submit(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            params={"input": [{"type": "text", "text": "What does the parser do?"}]},
            idempotency_key="0b9e2a54-9f0e-4b3f-8d0b-1f5c7a1e6d20",
            thread_id="6f0e2f9d-1a34-4c57-b0a5-6a0d3c1c9e21",
            timeout_ms=600000,
        ),
        CodexTurnResponse,
    )
    assert_type(
        await client.operations_log.list(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            env_id="local",
            tool="turn",
            source="sdk",
            is_error=False,
            since=datetime.fromisoformat("2026-11-23T10:00:00Z"),
            before="9c1e2f9d-1a34-4c57-b0a5-6a0d3c6f0e21",
            limit=20,
        ),
        AsyncCursorPager[OperationRecord],
    )
    assert_type(
        await client.executors.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), Page[ExecutorItem]
    )
    assert_type(
        await client.executors.register(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            name="build-machine",
            description="Runs the tests",
        ),
        ExecutorRegisterResponse,
    )
    await client.executors.unbind(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "exe_5b0f5c5e-5a0e-4a55-9d52-0c6e2f1f7a10"
    )
    assert_type(
        await client.tokens.list(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", include_revoked=True
        ),
        Page[CodexTokenListItem],
    )
    assert_type(
        await client.tokens.mint(
            workspace_id="2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", name="Laptop", ttl_days=90
        ),
        CodexTokenMintResponse,
    )
    await client.tokens.revoke("7q2mx9tb")
    assert_type(
        await client.tokens.list_browsers("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        Page[CodexBrowserItem],
    )
    assert_type(
        await client.credentials.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s"),
        Page[CredentialBindingItem],
    )
    assert_type(
        await client.credentials.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "k8s",
            display_name="Production",
            config="apiVersion: v1\nkind: Config\ncurrent-context: production\nclusters:\n  - name: cluster\n    cluster:\n      server: https://k8s.example.com:6443\ncontexts:\n  - name: production\n    context:\n      cluster: cluster\n      user: agent\nusers:\n  - name: agent\n    user:\n      token: eXaMpLe-0123456789\n",
            wait=True,
        ),
        CredentialBindingCreateResponse,
    )
    assert_type(
        await client.credentials.create(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "k8s",
            display_name="Production",
            config="apiVersion: v1\nkind: Config\ncurrent-context: production\nclusters:\n  - name: cluster\n    cluster:\n      server: https://k8s.example.com:6443\ncontexts:\n  - name: production\n    context:\n      cluster: cluster\n      user: agent\nusers:\n  - name: agent\n    user:\n      token: eXaMpLe-0123456789\n",
        ),
        CredentialBindingCreateResponse | CredentialBindingPending,
    )
    await client.credentials.delete(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
    )
    await client.credentials.update(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        "k8s",
        "9u1wT89xRYFvzCvtZkiYqA",
        display_name="Production, read only",
    )
    await client.credentials.set_default(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
    )
    assert_type(
        await client.credentials.complete(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "k8s", "9u1wT89xRYFvzCvtZkiYqA"
        ),
        CredentialBindingCreateResponse | CredentialBindingPending,
    )
    assert_type(
        await client.workspaces.modelserver.connect("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"), str
    )
    assert_type(
        await client.workspaces.modelserver.get_status("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        ModelServerStatusResponse,
    )
    await client.workspaces.modelserver.disconnect("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        await client.workspaces.im.list("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        IMChannelListResponse,
    )
    await client.workspaces.im.delete(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", "3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70"
    )
    assert_type(
        await client.workspaces.im.update(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            "3b8e2f60-7c1d-4f7e-9a35-1d2c4b5a6f70",
            require_mention=True,
            routing_mode="nanoclaw",
        ),
        IMChannelPatchResponse,
    )
    assert_type(
        await client.workspaces.im.configure_telegram(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            bot_token="123456789:AAExAmPlE-token-of-a-bot-0123456789",
        ),
        IMTelegramConfigureResponse,
    )
    assert_type(
        await client.workspaces.im.configure_matrix(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            homeserver_url="https://matrix.example.com",
            access_token="syt_eXaMpLe_0123456789",
            recovery_key="EsTc eXaM pLe0 1234",
        ),
        IMMatrixConfigureResponse,
    )
    assert_type(
        await client.workspaces.im.start_weixin_login(
            "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", wait=True
        ),
        IMWeixinQRWaitResponse,
    )
    assert_type(
        await client.workspaces.im.start_weixin_login("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        IMWeixinQRStartResponse,
    )
    assert_type(
        await client.workspaces.im.wait_weixin_login("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        IMWeixinQRWaitResponse,
    )
    assert_type(await client.admin.users.list(), Page[AdminUserItem])
    await client.admin.users.set_role("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11", role="admin")
    assert_type(
        await client.admin.users.quota.get("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"),
        AdminUserQuotaResponse,
    )
    await client.admin.users.quota.set("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11", max_workspaces=30)
    await client.admin.users.quota.delete("7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11")
    assert_type(await client.admin.workspaces.list(), Page[AdminWorkspaceItem])
    assert_type(
        await client.admin.workspaces.quota.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        AdminWorkspaceQuotaResponse,
    )
    await client.admin.workspaces.quota.set(
        "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        max_sandboxes=5,
        max_sandbox_cpu=4000,
        max_sandbox_memory=4294967296,
        max_idle_timeout=3600,
        max_total_cpu=8000,
        max_total_memory=8589934592,
        max_drive_size=21474836480,
    )
    await client.admin.workspaces.quota.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(
        await client.admin.workspaces.llm_quota.get("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"),
        LLMQuotaResponse,
    )
    await client.admin.workspaces.llm_quota.set("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21", max_rpd=100)
    await client.admin.workspaces.llm_quota.delete("2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21")
    assert_type(await client.admin.sandboxes.list(), Page[AdminSandboxItem])
    assert_type(await client.admin.quota_defaults.get(), AdminQuotaDefaultsResponse)
    assert_type(
        await client.admin.quota_defaults.set(max_workspaces_per_user=15, max_idle_timeout=3600),
        AdminQuotaDefaultsResponse,
    )
    await client.health.check()
