"""Templates: what is said, by channel and language."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from cxconsole.api.call import MAX_SMALL_KEY, Body, Caller, Listing, Pages, Search, parse_key
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.comms.templates import create_template, delete_template, get_template, list_templates, update_template
from models.person import Channel

router = APIRouter(prefix="/templates", tags=["templates"], route_class=ApiRoute)

_SUBJECT = "Hello {{ first_name | default('there') }}"


class TemplatePatch(Body):
    """What is to change; what is not named stays. With `version`, only if it is still at this one."""

    name: str | None = None
    channel: str | None = None
    language: str | None = None
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    version: int | None = Field(None, description="The version it was read at.")


class NewTemplate(Body):
    """Content in Jinja2. For e-mail a text that is null is made from the HTML; an SMS has only a text."""

    name: str = Field(examples=["Spring mail"])
    channel: str = Field(examples=["email"])
    language: str = "en"
    subject: str | None = Field("", examples=[_SUBJECT])
    html: str | None = Field(None, examples=["<p>...</p>"])
    text: str | None = None


class TemplateReading(View):
    """A template with its newest text."""

    id: Id
    name: str
    channel: str
    language: str
    subject: str
    html: str | None
    text: str | None
    version: int
    created_at: datetime
    updated_at: datetime


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    channel: Annotated[Channel | None, Query(description="Only those for this channel.")] = None,
) -> Listing[TemplateReading]:
    """List templates by name; `q` is a part of it."""
    with call.read() as session:
        page = list_templates(session, actor=call.actor, channel=channel, q=q, limit=pages.limit, offset=pages.offset)
    return pages.listing(page, TemplateReading.of)


@router.post("", status_code=201)
def create(call: Caller, body: NewTemplate, response: Response) -> TemplateReading:
    """Make a template."""
    with call.write() as session:
        made = create_template(session, body.given(), actor=call.actor, now=call.now)
    response.headers["Location"] = f"/api/v1/templates/{made.id}"
    return TemplateReading.of(made)


@router.get("/{template_id}")
def get_one(call: Caller, template_id: str) -> TemplateReading:
    """Read one template."""
    with call.read() as session:
        return TemplateReading.of(get_template(session, _key(template_id), actor=call.actor))


@router.patch("/{template_id}")
def change(call: Caller, template_id: str, body: TemplatePatch) -> TemplateReading:
    """Change a template; a changed text is a new version, what was sent stays as it was."""
    changes = body.given()
    version = changes.pop("version", None)
    with call.write() as session:
        changed = update_template(session, _key(template_id), changes, version=version, actor=call.actor, now=call.now)
    return TemplateReading.of(changed)


@router.delete("/{template_id}", status_code=204)
def delete(call: Caller, template_id: str) -> None:
    """Delete a template that no campaign uses."""
    with call.write() as session:
        delete_template(session, _key(template_id), actor=call.actor, now=call.now)


def _key(template_id: str) -> int:
    return parse_key(template_id, "template", most=MAX_SMALL_KEY)
