"""FastAPI, pydantic and SQLAlchemy's async ORM, as their documentation writes such a service.

The tables are the reference server's.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated
from uuid import uuid4

from fastapi import Cookie, Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_URL = os.environ["BENCH_DATABASE"]

# On a busy machine writers of SQLite wait longer than the 5 seconds after which it gives up.
_PATIENT = {"timeout": 60} if _URL.startswith("sqlite") else {}
engine = create_async_engine(_URL, connect_args=_PATIENT)
new_session = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def _set_pragmas(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


class _Base(DeclarativeBase):
    pass


class _User(_Base):
    __tablename__ = "users"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]


class _Session(_Base):
    __tablename__ = "sessions"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[str]


class _Workspace(_Base):
    __tablename__ = "workspaces"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[str]
    updated_at: Mapped[str]


class _Member(_Base):
    __tablename__ = "workspace_members"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str]
    created_at: Mapped[str]


class _UserQuota(_Base):
    __tablename__ = "user_quotas"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    max_workspaces: Mapped[int | None]


class _Setting(_Base):
    __tablename__ = "system_settings"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class WorkspaceCreate(BaseModel):
    """The body of a POST."""

    name: str = Field(min_length=1, max_length=255)


class WorkspaceOut(BaseModel):
    """A workspace as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


async def database() -> AsyncIterator[AsyncSession]:
    """A session of SQLAlchemy for one request."""
    async with new_session() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def current_user(
    db: Database, token: Annotated[str, Cookie(alias="agentserver-token")] = ""
) -> _User:
    """The user whose session is in the cookie."""
    user = await db.scalar(
        select(_User)
        .join(_Session, _Session.user_id == _User.id)
        .where(
            _Session.token_hash == sha256(token.encode()).hexdigest(), _Session.expires_at > _now()
        )
    )
    if user is None:
        raise HTTPException(401, "unauthorized")
    return user


CurrentUser = Annotated[_User, Depends(current_user)]

app = FastAPI()


@app.get("/healthz")
async def health() -> None:
    """Whether it is up."""


@app.get("/api/workspaces/{workspace_id}", response_model=WorkspaceOut)
async def read(workspace_id: str, user: CurrentUser, db: Database) -> _Workspace:
    """One workspace, for its members."""
    role = await db.scalar(
        select(_Member.role).where(_Member.workspace_id == workspace_id, _Member.user_id == user.id)
    )
    if role is None:
        raise HTTPException(403, "not a workspace member")
    workspace = await db.scalar(select(_Workspace).where(_Workspace.id == workspace_id))
    if workspace is None:
        raise HTTPException(404, "not found")
    return workspace


@app.get("/api/workspaces", response_model=list[WorkspaceOut])
async def listing(user: CurrentUser, db: Database) -> list[_Workspace]:
    """The caller's workspaces, oldest first."""
    found = await db.scalars(
        select(_Workspace)
        .join(_Member, _Member.workspace_id == _Workspace.id)
        .where(_Member.user_id == user.id)
        .order_by(_Workspace.created_at, _Workspace.sequence)
    )
    return list(found)


@app.post("/api/workspaces", response_model=WorkspaceOut, status_code=201)
async def create(body: WorkspaceCreate, user: CurrentUser, db: Database) -> _Workspace:
    """A workspace that the caller owns, within the caller's quota."""
    await db.execute(select(_User.id).where(_User.id == user.id).with_for_update())
    quota = await db.get(_UserQuota, user.id)
    settings = {each.key: each.value for each in await db.scalars(select(_Setting))}
    owned = await db.scalar(
        select(func.count()).where(_Member.user_id == user.id, _Member.role == "owner")
    )
    maximum = quota.max_workspaces if quota else None
    if maximum is None:
        maximum = int(settings.get("quota_max_workspaces_per_user", 10))
    if 0 < maximum <= (owned or 0):
        raise HTTPException(403, "quota exceeded")
    moment = _now()
    workspace = _Workspace(id=str(uuid4()), name=body.name, created_at=moment, updated_at=moment)
    db.add(workspace)
    await db.flush()
    db.add(_Member(workspace_id=workspace.id, user_id=user.id, role="owner", created_at=moment))
    await db.commit()
    return workspace
