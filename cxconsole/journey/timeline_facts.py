"""What events refer to by id, read for many of them at once: the facts that titles and details name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.journey.event_words import CHANNELS, DECISIONS, OTHER_ICON, reason_words
from models.activity import Note, ScheduledActivity
from models.campaign import Campaign, campaign_code
from models.comm import CommDelivery
from models.contact import ContactSource
from models.suppression import HASHED
from models.template import Template, TemplateVersion

Facts = dict[str, str]
"""Of one event: channel (word), channel_key, channel_icon, target, content, campaign, reason, source, fields,
other, stayed, decision, note, subject, actor. A fact that is not known is absent."""

_SOME_CONTENT = "a message"


def load_facts(session: Session, rows: Sequence[Any]) -> dict[int, Facts]:
    """The facts of each event, by its key. `rows` have the columns of the Tape."""
    deliveries = _read(session, CommDelivery, (row.delivery_id for row in rows))
    campaigns = _read(session, Campaign, (row.campaign_id for row in rows))
    sources = _read(session, ContactSource, (_number(row, "source_id") for row in rows))
    notes = _read(session, Note, (_number(row, "note_id") for row in rows))
    activities = _read(session, ScheduledActivity, (_number(row, "activity_id") for row in rows))
    contents = _read_contents(session, {one.template_version_id for one in deliveries.values()})
    told: dict[int, Facts] = {}
    for row in rows:
        data = row.data or {}
        delivery = deliveries.get(row.delivery_id)
        activity = activities.get(_number(row, "activity_id"))
        note = notes.get(_number(row, "note_id"))
        source = sources.get(_number(row, "source_id"))
        campaign = campaigns.get(row.campaign_id)
        channel = delivery.channel if delivery else data.get("channel")
        told[row.id] = {
            **_channel(channel if isinstance(channel, str) else ""),
            "target": delivery.target if delivery and not delivery.target.startswith(HASHED) else "the customer",
            "content": contents.get(delivery.template_version_id, _SOME_CONTENT) if delivery else _SOME_CONTENT,
            "campaign": _campaign(campaign, row.campaign_id),
            "reason": _sentence(reason_words((delivery.reason if delivery else None) or _text(data, "reason"))),
            "source": source.name if source else "",
            "fields": _fields(data),
            "other": str(data.get("merged_person_id", "")),
            "stayed": str(data.get("stayed_person_id", "")),
            "decision": DECISIONS.get(_text(data, "decision"), ""),
            "note": note.text if note else "The text was erased",
            "subject": activity.subject if activity else "the text was erased",
            "actor": row.actor,
        }
    return told


def _read(session: Session, table: Any, keys: Iterable[int | None]) -> dict[int | None, Any]:
    wanted = sorted({key for key in keys if key is not None})
    if not wanted:
        return {}
    return {one.id: one for one in session.execute(select(table).where(col(table.id).in_(wanted))).scalars()}


def _read_contents(session: Session, versions: set[int]) -> dict[int, str]:
    if not versions:
        return {}
    rows = session.execute(
        select(col(TemplateVersion.id), col(Template.name))
        .join(Template, col(Template.id) == col(TemplateVersion.template_id))
        .where(col(TemplateVersion.id).in_(versions))
    )
    return {key: f"“{name}”" for key, name in rows}


def _number(row: Any, name: str) -> int | None:
    """An id in an own event's data; the data of others may hold anything under that name."""
    value = (row.data or {}).get(name) if row.source == "cxconsole" else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _channel(channel: str) -> Facts:
    word, icon = CHANNELS.get(channel, ("Message", OTHER_ICON))
    return {"channel": word, "channel_key": channel, "channel_icon": icon}


def _campaign(campaign: Campaign | None, campaign_id: int | None) -> str:
    if campaign is not None:
        return campaign.name
    return f"{campaign_code(campaign_id)}, which was deleted" if campaign_id is not None else ""


def _fields(data: Mapping[str, Any]) -> str:
    fields = data.get("fields")
    if not isinstance(fields, list):
        return ""
    return _sentence(", ".join(str(one).replace("_", " ") for one in fields))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
