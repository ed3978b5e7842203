"""Templates: content for one channel and language. Every saved text is a version of its own, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from cxconsole.accounts.actor import Actor
from cxconsole.comms.rendering import TemplateProblem, compile_source
from cxconsole.errors import Conflict, FieldProblem, Invalid, NotFound
from cxconsole.journey.tape import append_event
from cxconsole.paging import Page, check_range, make_page, parse_sort
from models.campaign import Campaign, CampaignState, Flow, campaign_code
from models.event import EventType
from models.person import Channel
from models.template import Template, TemplateVersion

CHANNELS = (Channel.EMAIL, Channel.SMS)
MAX_NAME, MAX_SUBJECT, MAX_HTML, MAX_TEXT = 200, 1_000, 500_000, 200_000
_FIELDS = {"name", "channel", "language", "subject", "html", "text"}


@dataclass(frozen=True, kw_only=True)
class TemplateView:
    """A template with its newest text."""

    id: int
    name: str
    channel: str
    language: str
    version: int
    version_id: int
    subject: str
    html: str | None
    text: str | None
    created_at: datetime
    updated_at: datetime
    is_demo: bool = False
    used_by: tuple[str, ...] = ()
    """Codes of campaigns whose flow names it; only filled by `get_template`."""


def create_template(session: Session, data: Mapping[str, Any], *, actor: Actor, now: datetime) -> TemplateView:
    """A new template in the shape of the REST API. Raises Invalid."""
    actor.require("templates.edit")
    fields = _check({"language": "en", "subject": "", "html": None, "text": None, **data})
    template = Template(
        name=fields["name"], channel=fields["channel"], language=fields["language"], created_at=now, updated_at=now
    )
    session.add(template)
    session.flush()
    version = _add_version(session, template, fields, now=now)
    _note(session, template, actor=actor, now=now, change="created")
    return _view(template, version)


def update_template(
    session: Session, template_id: int, data: Mapping[str, Any], *, version: int | None = None, actor: Actor,
    now: datetime,
) -> TemplateView:  # fmt: skip
    """Change what is named; a changed text becomes a new version. Raises Invalid, or Conflict on a stale version."""
    actor.require("templates.edit")
    template = _load(session, template_id, lock=True)
    if version is not None and version != template.version:
        raise Conflict(
            f"This template was changed after you read it: it is at version {template.version}, you have {version}. "
            "Nothing of yours was saved; look at the new version and repeat your change."
        )
    current = session.get_one(TemplateVersion, template.current_version_id)
    before = _as_fields(template, current)
    fields = _check({**before, **data})
    if fields["channel"] != template.channel:
        raise Invalid.field("channel", "The channel of a template stays; make another template for the other channel.")
    if fields == before:
        return _view(template, current)
    template.name, template.language = fields["name"], fields["language"]
    template.updated_at = now
    template.version += 1
    if any(fields[name] != before[name] for name in ("subject", "html", "text")):
        current = _add_version(session, template, fields, now=now)
    session.add(template)
    _note(session, template, actor=actor, now=now, change="changed")
    return _view(template, current)


def delete_template(session: Session, template_id: int, *, actor: Actor, now: datetime) -> None:
    """Take a template away. Raises Conflict while a campaign uses it; what was sent with it can still be shown."""
    actor.require("templates.edit")
    template = _load(session, template_id, lock=True)
    users = _used_by(session, template_id)
    if users:
        raise Conflict(f"This template is used by {', '.join(users[:5])}. Choose another one there first.")
    _note(session, template, actor=actor, now=now, change="deleted")
    template.deleted_at = now
    session.add(template)


def get_template(session: Session, template_id: int, *, actor: Actor) -> TemplateView:
    """One template. Raises NotFound."""
    actor.require("templates.read")
    template = _load(session, template_id)
    version = session.get_one(TemplateVersion, template.current_version_id)
    return _view(template, version, used_by=_used_by(session, template_id))


TEMPLATE_SORTS: dict[str, Any] = {
    "name": func.lower(Template.name), "id": col(Template.id), "created_at": col(Template.created_at),
    "updated_at": col(Template.updated_at),
}  # fmt: skip


def list_templates(
    session: Session,
    *,
    actor: Actor,
    channel: str | None = None,
    q: str = "",
    sort: str = "name",
    limit: int = 50,
    offset: int = 0,
) -> Page[TemplateView]:
    """Templates by page, by name unless sorted otherwise (see TEMPLATE_SORTS); `q` is a part of the name."""
    actor.require("templates.read")
    check_range(limit, offset)
    field, descending = parse_sort(sort, TEMPLATE_SORTS)
    order, key = TEMPLATE_SORTS[field], col(Template.id)
    where: list[ColumnElement[bool]] = [col(Template.deleted_at).is_(None)]
    if channel:
        where.append(col(Template.channel) == channel)
    if q.strip():
        where.append(func.lower(col(Template.name)).contains(q.strip().lower(), autoescape=True))
    total = session.exec(select(func.count()).select_from(Template).where(*where)).one()
    rows = session.exec(
        select(Template, TemplateVersion)
        .join(TemplateVersion, col(TemplateVersion.id) == col(Template.current_version_id))
        .where(*where)
        .order_by(*((order.desc(), key.desc()) if descending else (order, key)))
        .limit(limit)
        .offset(offset)
    ).all()
    items = [_view(template, version) for template, version in rows]
    return make_page(items, total=total, limit=limit, offset=offset)


def _load(session: Session, template_id: int, *, lock: bool = False) -> Template:
    template = session.get(Template, template_id, with_for_update=lock or None)
    if template is None or template.deleted_at is not None:
        raise NotFound(f"There is no template {template_id}.")
    return template


def _as_fields(template: Template, version: TemplateVersion) -> dict[str, Any]:
    return {
        "name": template.name,
        "channel": template.channel,
        "language": template.language,
        "subject": version.subject,
        "html": version.html,
        "text": version.text,
    }


def _view(template: Template, version: TemplateVersion, used_by: tuple[str, ...] = ()) -> TemplateView:
    assert template.id is not None and version.id is not None
    return TemplateView(
        id=template.id,
        version=template.version,
        version_id=version.id,
        created_at=template.created_at,
        updated_at=template.updated_at,
        is_demo=template.is_demo,
        used_by=used_by,
        **_as_fields(template, version),
    )


def _add_version(session: Session, template: Template, fields: Mapping[str, Any], *, now: datetime) -> TemplateVersion:
    assert template.id is not None
    version = TemplateVersion(
        template_id=template.id, version=template.version, subject=fields["subject"], html=fields["html"],
        text=fields["text"], created_at=now,
    )  # fmt: skip
    session.add(version)
    session.flush()
    template.current_version_id = version.id
    session.add(template)
    session.flush()
    return version


def _note(session: Session, template: Template, *, actor: Actor, now: datetime, change: str) -> None:
    data = {"template_id": template.id, "version": template.version, "change": change}
    append_event(session, EventType.TEMPLATE_CHANGED, now=now, actor=actor.name, data=data)


def _used_by(session: Session, template_id: int) -> tuple[str, ...]:
    """Codes of the campaigns that still run, or may, whose flow in force names the template."""
    rows = session.exec(
        select(Flow.campaign_id, Flow.graph)
        .join(Campaign, (col(Flow.campaign_id) == Campaign.id) & (col(Flow.version) == Campaign.flow_version))
        .where(col(Campaign.state) != CampaignState.ENDED)
        .order_by(col(Flow.campaign_id))
    ).all()
    return tuple(
        campaign_code(campaign_id)
        for campaign_id, graph in rows
        if any(node.get("template_id") == template_id for node in graph["nodes"])
    )


def _check(data: Mapping[str, Any]) -> dict[str, Any]:
    problems = [FieldProblem(loc=name, msg="This field is not known.") for name in data.keys() - _FIELDS]
    fields = {name: data.get(name) for name in _FIELDS}

    def complain(loc: str, msg: str) -> None:
        problems.append(FieldProblem(loc=loc, msg=msg))

    name = fields["name"]
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.strip().isprintable():
        complain("name", f"Give the template a name of at most {MAX_NAME} characters.")
    else:
        fields["name"] = name.strip()
    if fields["channel"] not in CHANNELS:
        complain("channel", f"Choose one of {', '.join(CHANNELS)}.")
    language = fields["language"]
    if not isinstance(language, str) or not 2 <= len(language) <= 35 or not language.replace("-", "").isalnum():
        complain("language", "Write a language code such as en or de-AT.")
    fields["subject"] = "" if fields["subject"] is None else fields["subject"]
    for key, most in (("subject", MAX_SUBJECT), ("html", MAX_HTML), ("text", MAX_TEXT)):
        value = fields[key]
        if value is not None and (not isinstance(value, str) or len(value) > most or "\x00" in value):
            complain(key, f"A text of at most {most:,} characters.")
        elif key != "subject" and isinstance(value, str) and not value.strip():
            fields[key] = None
    if not problems:
        _check_content(fields, complain)
    if problems:
        detail = problems[0].msg if len(problems) == 1 else f"{len(problems)} fields need a look."
        raise Invalid(detail, errors=problems)
    return fields


def _check_content(fields: Mapping[str, Any], complain: Any) -> None:
    if fields["channel"] == Channel.SMS and (fields["html"] or fields["subject"]):
        complain("html" if fields["html"] else "subject", "An SMS has only a text.")
    for part in ("subject", "html", "text"):
        try:
            compile_source(fields[part] or "", part=part)
        except TemplateProblem as problem:
            complain(part, problem.detail)
