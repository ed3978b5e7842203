"""What messages name of profiles: `{{ profile.items_in_cart }}`. Read for all persons at once, and only when named."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import ENGINE, Actor
from cxconsole.comms.rendering import Content, RenderProblem, TemplateContent, compile_template
from cxconsole.driver import Driver
from cxconsole.errors import TooSlow
from cxconsole.journey.profiles import read_profile_fields

log = logging.getLogger("cxconsole.comms")


def add_profiles(
    session: Session,
    fields: Mapping[int, dict[str, Any]],
    contents: Iterable[TemplateContent],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Add to the fields of each person what these contents name of profiles, under `profile`."""
    names = frozenset().union(*(find_profile_names(one) for one in contents))
    if names and fields:
        for person_id, found in read_profile_fields(session, list(fields), names, actor=actor, now=now).items():
            fields[person_id]["profile"] = found


def add_profiles_to_send(
    session: Session, readers: Mapping[int, Mapping[int, dict[str, Any]]], *, now: datetime
) -> None:
    """The same for a send: the fields of each person, by the version of the template that the person gets."""
    driver = Driver(session)
    rows = driver.run(
        f"SELECT id, subject, html, text FROM template_version WHERE id {driver.among_ids} "  # noqa: S608
        "AND (subject LIKE ? OR html LIKE ? OR text LIKE ?)",
        sorted(readers), *["%profile%"] * 3,
    )  # fmt: skip
    for version_id, subject, html, text in rows:
        content = Content(subject=subject, html=html, text=text)
        try:
            with session.begin_nested():
                add_profiles(session, readers[version_id], [content], actor=ENGINE, now=now)
        except TooSlow:  # a send goes on with the fall-backs rather than not at all
            log.warning(
                "action=profiles_too_slow template_version_id=%s persons=%s", version_id, len(readers[version_id])
            )


def find_profile_names(content: TemplateContent) -> frozenset[str]:
    """What a content names of profiles; one that cannot be read names nothing, which its check says."""
    if not any("profile" in (text or "") for text in (content.subject, content.html, content.text)):
        return frozenset()
    try:
        return compile_template(content).profile_names
    except RenderProblem:
        return frozenset()


__all__ = ["add_profiles", "add_profiles_to_send", "find_profile_names"]
