"""Profile views: what is read out of a person's events, and who may see it."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from models.base import Table, at_field, json_field


class ProfileView(Table, table=True):
    """A curated query over the Tape. `attributes` are in the shape of the journey contract."""

    __tablename__ = "profile_view"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True)  # the contract's `id`
    name: str
    attributes: list[dict[str, Any]] = json_field(list)
    roles: list[str] = json_field(list)  # who sees it at all; empty: who may read profiles
    datapoint_count: int = 0  # of the contract; kept and given back
    version: int = 1
    is_demo: bool = False
    created_at: datetime = at_field()
    updated_at: datetime = at_field()


__all__ = ["ProfileView"]
