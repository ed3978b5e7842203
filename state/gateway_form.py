"""Adding a gateway, and changing one. What the form holds is text; the kind's own model checks it as typed."""

from typing import Any

import reflex as rx

from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError, Invalid
from cxconsole.gateways.registry import KINDS, check_settings, find_kind
from cxconsole.gateways.service import create_gateway, get_gateway, update_gateway
from cxconsole.gateways.views import SET
from cxconsole.signals import topics
from state.gateways import GatewaysState
from state.session import read, write


class GatewayFormState(rx.State):
    """The dialog. `gateway_id` 0 adds a new one; secrets are written, never shown."""

    is_open: bool = False
    gateway_id: int = 0
    version: int = 0
    kind: str = "smtp"
    channel: str = "email"
    name: str = ""
    per_minute: str = ""
    per_domain: str = ""
    values: dict[str, str] = {}
    secrets: dict[str, str] = {}
    kept_secrets: list[str] = []
    errors: dict[str, str] = {}
    problem: str = ""
    busy: bool = False

    @rx.event
    def add(self, channel: str) -> None:
        """An empty form."""
        self.reset()
        self.is_open = True
        kind = next((one.kind for one in KINDS.values() if channel in one.channels and not one.sandbox), "sandbox")
        self._start(kind, channel)

    @rx.event
    async def edit(self, gateway_id: int) -> None:
        """The form of a gateway that is there."""
        self.reset()
        try:
            view = await read(self, get_gateway, gateway_id, vault=get_application().vault)
        except CxError:
            return  # somebody else has just deleted it, the list shows that
        self.gateway_id, self.version, self.kind, self.channel = view.id, view.version, view.kind, view.channel
        self.name = view.name
        self.per_minute, self.per_domain = _text(view.per_minute), _text(view.per_domain_per_minute)
        self.values = {name: _text(value) for name, value in view.settings.items()}
        self.kept_secrets = sorted(view.secrets)
        self.secrets = dict.fromkeys(find_kind(view.kind).secrets.model_fields, "")
        self.is_open = True

    @rx.event
    def close(self) -> None:
        """Nothing is kept."""
        self.reset()

    @rx.event
    def set_kind(self, kind: str) -> None:
        """Another kind has other settings."""
        if kind in KINDS:
            self._start(kind, self.channel if self.channel in KINDS[kind].channels else KINDS[kind].channels[0])

    @rx.event
    def set_channel(self, channel: str) -> None:
        """The channel it carries; the service checks that its kind can."""
        self.channel = channel

    @rx.event
    def set_name(self, name: str) -> None:
        """What people call it."""
        self.name = name[:120]
        self._tell("name", "" if name.strip() else "A gateway needs a name.")

    @rx.event
    def set_per_minute(self, text: str) -> None:
        """Its limit in any 60 seconds."""
        self.per_minute = text
        self._tell("limits.per_minute", _count_problem(text))

    @rx.event
    def set_per_domain(self, text: str) -> None:
        """Its limit to one domain in any 60 seconds."""
        self.per_domain = text
        self._tell("limits.per_domain_per_minute", _count_problem(text))

    @rx.event
    def set_value(self, name: str, value: str) -> None:
        """One setting, checked as typed."""
        if name not in find_kind(self.kind).settings.model_fields:
            return
        self.values = {**self.values, name: value}
        try:
            check_settings(find_kind(self.kind).settings, _settings(self.kind, self.values), loc="settings")
        except Invalid as error:
            found = {one.loc: one.msg for one in error.errors}
        else:
            found = {}
        self._tell(f"settings.{name}", found.get(f"settings.{name}", ""))

    @rx.event
    def set_flag(self, name: str, on: bool) -> None:
        """One setting that is on or off."""
        self.values = {**self.values, name: "true" if on else "false"}

    @rx.event
    def set_secret(self, name: str, value: str) -> None:
        """One secret; left empty, the stored one stays."""
        if name in find_kind(self.kind).secrets.model_fields:
            self.secrets = {**self.secrets, name: value}

    @rx.event
    async def save(self):
        """Add or change. Each bad field says why beside itself."""
        self.busy, self.problem = True, ""
        yield
        data: dict[str, Any] = {
            "name": self.name,
            "settings": _settings(self.kind, self.values),
            "secrets": {name: value for name, value in self.secrets.items() if value}
            | {name: SET for name in self.kept_secrets if not self.secrets.get(name)},
            "limits": {"per_minute": self.per_minute or None, "per_domain_per_minute": self.per_domain or None},
        }
        vault, told = get_application().vault, (topics.GATEWAYS, topics.WORK)
        try:
            if self.gateway_id:
                saved = await write(
                    self, update_gateway, self.gateway_id, data, version=self.version, vault=vault, announces=told
                )
            else:
                data |= {"kind": self.kind, "channel": self.channel}
                saved = await write(self, create_gateway, data, vault=vault, announces=told)
        except CxError as error:
            self.busy = False
            self.errors = {one.loc: one.msg for one in error.errors}
            whole = [one.msg for one in error.errors if one.loc in ("settings", "secrets", "kind", "channel")]
            self.problem = " ".join(whole) if self.errors else error.detail
            return
        self.reset()
        yield GatewaysState.choose(saved.id)

    def _start(self, kind: str, channel: str) -> None:
        found = find_kind(kind)
        self.kind, self.channel, self.errors, self.problem = kind, channel, {}, ""
        self.values = {
            name: "" if field.is_required() else _text(field.get_default(call_default_factory=True))
            for name, field in found.settings.model_fields.items()
        }
        self.secrets = dict.fromkeys(found.secrets.model_fields, "")

    def _tell(self, loc: str, message: str) -> None:
        self.errors = {
            **{key: value for key, value in self.errors.items() if key != loc},
            **({loc: message} if message else {}),
        }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "\n".join(f"{name}: {one}" for name, one in value.items())
    return str(value)


def _settings(kind: str, values: dict[str, str]) -> dict[str, Any]:
    """The text of the form as the kind's model takes it; what is empty and has a default is left to it."""
    fields = find_kind(kind).settings.model_fields
    settings: dict[str, Any] = {}
    for name, text in values.items():
        field = fields[name]
        if field.annotation is not None and "dict" in str(field.annotation):
            parts = (line.partition(":") for line in text.splitlines() if line.strip())
            settings[name] = {key.strip(): value.strip() for key, _, value in parts}
        elif text.strip() or field.annotation is str:
            settings[name] = text
    return settings


def _count_problem(text: str) -> str:
    if not text or (text.isascii() and text.isdigit() and int(text) > 0):
        return ""
    return "A whole number above 0, or empty for no limit."
