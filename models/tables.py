"""All tables, so that importing this one module fills the metadata (migrations, tests)."""

from sqlmodel import SQLModel

from models import activity, campaign, comm, contact, event, gateway, journey, person, suppression, system, template

MODULES = (activity, campaign, comm, contact, event, gateway, journey, person, suppression, system, template)
metadata = SQLModel.metadata
