"""What is said: templates and their versions."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table, at_field, code_field


class Template(Table, table=True):
    """Content for one channel and language, in Jinja2; its text is in the newest version."""

    __tablename__ = "template"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    channel: str = code_field()
    language: str = "en"
    current_version_id: int | None = None
    version: int = 1
    is_demo: bool = False
    created_at: datetime = at_field()
    updated_at: datetime = at_field()
    deleted_at: datetime | None = at_field(nullable=True)  # kept, so that what was sent with it can be shown


class TemplateVersion(Table, table=True):
    """One saved text of a template; never changed, so a delivery can be shown as it was."""

    __tablename__ = "template_version"
    __table_args__ = (Index("uq_template_version", "template_id", "version", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    template_id: int = Field(foreign_key="template.id", ondelete="CASCADE")
    version: int
    subject: str = ""
    html: str | None = None
    text: str | None = None  # null for e-mail: made from the HTML; SMS has only this
    created_at: datetime = at_field()


__all__ = ["Template", "TemplateVersion"]
