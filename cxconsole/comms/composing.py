"""From a delivery to the message that leaves: rendered at the last moment, with its own links."""

from collections.abc import Iterable
from typing import Protocol

from sqlmodel import Session, col, select

from cxconsole.accounts.vault import Vault
from cxconsole.comms.links import Links
from cxconsole.comms.policy import Candidate
from cxconsole.comms.rendering import (
    CompiledTemplate,
    RenderProblem,
    compile_template,
    describe_fields,
    render,
)
from cxconsole.driver import Driver
from cxconsole.gateways.port import OutgoingMessage
from cxconsole.settings import Settings
from models.campaign import campaign_code
from models.template import TemplateVersion

_KEPT_VERSIONS = 64
_GONE = "The template of this message is gone."


class Composes(Protocol):
    """What a sender needs to make messages."""

    def prepare(self, session: Session, version_ids: Iterable[int]) -> None:
        """Read and compile the templates that are not known yet; called off the loop."""
        ...

    def compose(self, message: Candidate) -> OutgoingMessage:
        """The message. Raises RenderProblem with what this one delivery lacks."""
        ...


class Composer:
    """Keeps compiled templates by version; a version never changes."""

    def __init__(self, *, settings: Settings, vault: Vault) -> None:
        self._links = Links.build(settings, vault)
        host = settings.base_url.split("//")[-1].split("/")[0].split(":")[0]
        self._host = host or "localhost"
        self._compiled: dict[int, CompiledTemplate | RenderProblem] = {}

    def prepare(self, session: Session, version_ids: Iterable[int]) -> None:
        """See `Composes`."""
        missing = sorted(set(version_ids) - self._compiled.keys())
        if not missing:
            return
        found = {
            one.id: one for one in session.exec(select(TemplateVersion).where(col(TemplateVersion.id).in_(missing)))
        }
        compiled = dict(self._compiled) if len(self._compiled) < _KEPT_VERSIONS else {}
        for version_id in missing:
            version = found.get(version_id)
            try:
                compiled[version_id] = _compile(version)
            except RenderProblem as problem:
                compiled[version_id] = problem
        self._compiled = compiled

    def compose(self, message: Candidate) -> OutgoingMessage:
        """See `Composes`."""
        compiled = self._compiled.get(message.template_version_id) or RenderProblem(_GONE)
        if isinstance(compiled, RenderProblem):
            raise compiled
        fields = Driver.document(message.merge)
        url = self._links.unsubscribe_url(message.id)
        about = fields.get("campaign", {})
        rendered = render(compiled, describe_fields(fields, campaign=about, unsubscribe_url=url))
        origin = campaign_code(message.campaign_id) if message.campaign_id else "single"
        return OutgoingMessage(
            delivery_id=message.id,
            message_id=f"d{message.id}.{origin}@{self._host}",
            target=message.target,
            subject=rendered.subject,
            html=None if rendered.html is None else self._links.track(rendered.html, message.id),
            text=rendered.text,
            unsubscribe_url=url if rendered.html is not None else None,
            fields=fields,
        )


def _compile(version: TemplateVersion | None) -> CompiledTemplate | RenderProblem:
    if version is None:
        return RenderProblem(_GONE)
    copy = TemplateVersion(subject=version.subject, html=version.html, text=version.text)  # type: ignore[call-arg]
    return compile_template(copy)  # without its id, under which the cache may know one of another database


__all__ = ["Composer", "Composes"]
