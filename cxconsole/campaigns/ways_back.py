"""What in a campaign's messages leads recipients back to this console: links to unsubscribe, the open pixel, clicks."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from cxconsole.campaigns.flow import Step
from cxconsole.comms.content_check import list_links
from models.gateway import Gateway
from models.person import Channel
from models.template import Template, TemplateVersion

SANDBOX = "sandbox"


@dataclass(frozen=True, kw_only=True)
class WaysBack:
    """What there is of each in any message that leaves the machine."""

    opens: bool = False
    clicks: bool = False
    unsubscribe: bool = False

    def __bool__(self) -> bool:
        return self.opens or self.clicks or self.unsubscribe


def find_ways_back(session: Session, steps: Sequence[Step]) -> WaysBack:
    """Of all steps together, but for those over a sandbox: nothing of theirs leaves, and it opens and clicks itself."""
    sandboxes = select(col(Gateway.id)).where(col(Gateway.kind) == SANDBOX)
    inside = set(session.scalars(sandboxes))
    ids = {one.template_id for one in steps if one.template_id is not None and one.gateway_id not in inside}
    rows = session.execute(
        select(col(Template.channel), col(TemplateVersion.html), col(TemplateVersion.text))
        .join(TemplateVersion, col(TemplateVersion.id) == col(Template.current_version_id))
        .where(col(Template.id).in_(ids))
    ).all()
    mails = [html for channel, html, _ in rows if channel == Channel.EMAIL and html]
    return WaysBack(
        opens=bool(mails),
        clicks=any(one.startswith(("http://", "https://")) for html in mails for one in list_links(html)),
        unsubscribe=any("unsubscribe_url" in f"{html}{text}" for _, html, text in rows),
    )
