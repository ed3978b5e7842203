"""All tables, so that importing this one module fills the metadata (migrations, tests)."""

from sqlmodel import SQLModel

from models import (
    activity,
    campaign,
    comm,
    contact,
    event,
    gateway,
    identity_import,
    journey,
    person,
    profile,
    suppression,
    system,
    template,
    webhook,
)

MODULES = (
    activity,
    campaign,
    comm,
    contact,
    event,
    gateway,
    identity_import,
    journey,
    person,
    profile,
    suppression,
    system,
    template,
    webhook,
)
metadata = SQLModel.metadata
