"""Templates: what is said, by channel and language."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from cxconsole.api.call import MAX_SMALL_KEY, Body, Caller, Listing, Pages, Search, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.comms import preview as comms_preview
from cxconsole.comms.preview import preview_template
from cxconsole.comms.templates import create_template, delete_template, get_template, list_templates, update_template
from cxconsole.errors import Invalid, NotFound
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


class PreviewBody(Body):
    """As whom; without, as the first person there is."""

    person_id: str | None = None


class FindingReading(View):
    """Something about the content that people should know."""

    kind: str
    severity: str
    detail: str
    remedy: str


class PreviewReading(View):
    """The message as one person gets it. What has no value stands as `[name]` and is listed in `missing`."""

    person_id: Id | None
    subject: str
    html: str | None
    text: str
    missing: list[str]
    findings: list[FindingReading]
    size_bytes: int


class TestSendBody(Body):
    """Through which gateway to which address; merged with the fields of a person, if one is named."""

    gateway_id: str
    target: str = Field(max_length=320)
    person_id: str | None = None


class TestSendReading(View):
    """What came of it. `detail` is the other side's answer, or what failed, why, and how to mend it."""

    sent: bool
    detail: str
    milliseconds: int


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    channel: Annotated[Channel | None, Query(description="Only those for this channel.")] = None,
    sort: Annotated[str, Query(description="name, id, created_at or updated_at; - in front turns it round.")] = "name",
) -> Listing[TemplateReading]:
    """List templates by name; `q` is a part of it."""
    with call.read() as session:
        page = list_templates(
            session, actor=call.actor, channel=channel, q=q, sort=sort, limit=pages.limit, offset=pages.offset
        )
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


@router.post("/{template_id}/preview")
def preview(call: Caller, template_id: str, body: PreviewBody | None = None) -> PreviewReading:
    """Show the template as one person gets it, and what is wrong with it."""
    person_id = refer("person_id", body.person_id) if body and body.person_id else None
    with call.read() as session:
        template = get_template(session, _key(template_id), actor=call.actor)
        try:
            shown = preview_template(
                session, template, channel=template.channel, person_id=person_id, actor=call.actor, now=call.now
            )
        except NotFound as error:
            raise Invalid.field("person_id", error.detail) from None
    return PreviewReading.of(shown)


@router.post("/{template_id}/test-send")
async def send_test(call: Caller, template_id: str, body: TestSendBody) -> TestSendReading:
    """Send the template once to a target of your own; nothing is stored and nobody is counted."""
    person_id = refer("person_id", body.person_id) if body.person_id else None
    gateway_id = refer("gateway_id", body.gateway_id, most=MAX_SMALL_KEY)
    done = await comms_preview.test_send(
        call.application, _key(template_id), gateway_id, body.target, person_id=person_id, actor=call.actor,
        now=call.now,
    )  # fmt: skip
    return TestSendReading.of(done)


def _key(template_id: str) -> int:
    return parse_key(template_id, "template", most=MAX_SMALL_KEY)
