"""The form of a gateway: one block of fields a kind, in the words of who sets it up."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.buttons import button
from components.callouts import problem
from components.dialogs import dialog
from components.forms import checkbox, field, form_row, number_input, select, text_area, text_input
from components.icons import channel_word
from cxconsole.gateways.registry import KINDS
from state.gateway_form import GatewayFormState
from state.gateways import CHANNELS

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One field. `options` makes it a choice, `flag` a box, `rows` several lines. `wide` takes a row alone.

    help: instead of what the kind says of the setting.
    """

    name: str
    label: str
    options: Options = ()
    flag: bool = False
    rows: int = 0
    wide: bool = False
    mono: bool = False
    help: str = ""


TLS: Options = (("starttls", "STARTTLS (587)"), ("implicit", "TLS from the start (465)"), ("none", "None"))
ID_FROM: Options = (
    ("none", "Nowhere"),
    ("json", "A JSON path"),
    ("header", "A header"),
    ("regex", "A regular expression"),
)
METHODS: Options = (("POST", "POST"), ("GET", "GET"), ("PUT", "PUT"), ("PATCH", "PATCH"))

FIELDS: dict[str, tuple[Setting, ...]] = {
    "smtp": (
        Setting(name="host", label="Server", mono=True),
        Setting(name="port", label="Port"),
        Setting(name="tls", label="Encryption", options=TLS),
        Setting(name="username", label="User name", help="Empty sends without signing in."),
        Setting(name="sender", label="Sender", wide=True),
        Setting(name="connections", label="Connections at once"),
    ),
    "http": (
        Setting(name="method", label="Method", options=METHODS),
        Setting(name="sender", label="Sender"),
        Setting(name="url", label="URL", wide=True, mono=True),
        Setting(name="headers", label="Headers, one a line: Name: value", rows=2, wide=True, mono=True),
        Setting(name="body", label="Body", rows=4, wide=True, mono=True),
        Setting(name="success_status", label="Status codes that mean taken", mono=True),
        Setting(name="id_from", label="Where the message id is", options=ID_FROM),
        Setting(name="id_at", label="Path, header or expression of the id", mono=True),
        Setting(name="connections", label="Requests at once"),
    ),
    "sandbox": (
        Setting(name="sender", label="Sender", wide=True),
        Setting(name="pace", label="Pace"),
        Setting(name="bounced", label="Share that bounces"),
        Setting(name="opened", label="Share that opens"),
        Setting(name="clicked", label="Share that clicks"),
    ),
}
"""What everybody sets; the rest of a kind's settings stands under "More settings"."""

MORE: dict[str, tuple[Setting, ...]] = {
    "smtp": (
        Setting(name="verify", label="Check the server's certificate", flag=True, wide=True),
        Setting(name="pipelining", label="Send commands together when the server offers it", flag=True, wide=True),
        Setting(name="ca_certificate", label="Certificate of an own authority", rows=3, wide=True, mono=True),
        Setting(name="return_path", label="Bounces go to"),
        Setting(name="reply_to", label="Answers go to"),
        Setting(name="hello_name", label="Name given to the server"),
        Setting(name="messages_per_connection", label="Messages a connection"),
        Setting(name="connect_timeout_seconds", label="Seconds to connect"),
        Setting(name="timeout_seconds", label="Seconds for each answer"),
    ),
    "http": (
        Setting(name="verify", label="Check the server's certificate", flag=True, wide=True),
        Setting(name="ca_certificate", label="Certificate of an own authority", rows=3, wide=True, mono=True),
        Setting(name="success_path", label="JSON path to check", mono=True),
        Setting(name="success_equals", label="Its value when taken", mono=True),
        Setting(name="error_path", label="JSON path of the vendor's words", mono=True),
        Setting(name="connect_timeout_seconds", label="Seconds to connect"),
        Setting(name="timeout_seconds", label="Seconds for the request"),
    ),
    "sandbox": (
        Setting(name="keep_messages", label="Keep messages in the inbox", flag=True, wide=True),
        Setting(name="down", label="Refuse everything, as a server that is off", flag=True, wide=True),
        Setting(name="replied", label="Share that answers"),
        Setting(name="unsubscribed", label="Share that unsubscribes"),
        Setting(name="complained", label="Share that complains"),
        Setting(name="slow_down_every", label="Every n-th is told to slow down"),
        Setting(name="fail_every", label="Every n-th fails for now"),
        Setting(name="latency_seconds", label="Seconds each message takes"),
        Setting(name="concurrency", label="Messages at once"),
        Setting(name="seed", label="Number of the world"),
    ),
}

SECRET_WORDS = {"password": "Password", "token": "Token or API key", "username": "User name for basic sign-in"}


def gateway_form() -> rx.Component:
    """The dialog that adds and changes gateways."""
    state = GatewayFormState
    kinds = [
        (one.kind, f"{one.title} ({', '.join(str(channel_word(c)) for c in one.channels)})") for one in KINDS.values()
    ]
    several = [one.kind for one in KINDS.values() if len(one.channels) > 1]  # the others have one by nature
    channel = field(
        "Channel",
        select("gateway-channel", [(one, channel_word(one)) for one in CHANNELS], state.channel, state.set_channel),
        name="gateway-channel",
        error=_error("channel"),
    )
    new = rx.cond(
        state.gateway_id == 0,
        form_row(
            field("Kind", select("gateway-kind", kinds, state.kind, state.set_kind), name="gateway-kind"),
            rx.match(state.kind, *((kind, channel) for kind in several), rx.fragment()),  # type: ignore[arg-type]
        ),
        rx.fragment(),
    )
    body = rx.el.div(
        new,
        field(
            "Name",
            text_input("gateway-name", state.name, state.set_name, max_length=120, error=_error("name")),
            name="gateway-name",
            error=_error("name"),
        ),
        rx.match(state.kind, *((kind, _block(kind)) for kind in FIELDS), rx.fragment()),
        form_row(
            field(
                "Messages a minute",
                number_input("gateway-limit", state.per_minute, state.set_per_minute),
                name="gateway-limit",
                help="In any 60 seconds. Empty is no limit.",
                error=_error("limits.per_minute"),
            ),
            field(
                rx.cond(state.channel == "sms", "A minute to one country", "A minute to one domain"),
                number_input("gateway-domain", state.per_domain, state.set_per_domain),
                name="gateway-domain",
                help="Empty is no limit.",
                error=_error("limits.per_domain_per_minute"),
            ),
        ),
        rx.match(state.kind, *((kind, _more(kind)) for kind in MORE), rx.fragment()),
        problem(state.problem),  # beside Save, for the form may be longer than the window
        class_name="cx-form",
    )
    return dialog(
        body,
        title=rx.cond(state.gateway_id == 0, "Add a gateway", f"Change {state.name}"),
        sentence="Nothing is sent before it is used in a campaign. Test it after saving.",
        open=state.is_open,
        on_close=state.close,
        wide=True,
        actions=[
            button("Cancel", on_click=state.close),
            button("Save gateway", variant="solid", on_click=state.save, busy=state.busy),
        ],
    )


def _block(kind: str) -> rx.Component:
    secrets = [_secret(kind, name) for name in KINDS[kind].secrets.model_fields]
    return rx.el.div(_fields(kind, FIELDS[kind]), *([form_row(*secrets)] if secrets else []), class_name="cx-form")


def _more(kind: str) -> rx.Component:
    return rx.el.details(
        rx.el.summary("More settings", class_name="cx-link"),
        rx.el.div(_fields(kind, MORE[kind]), padding_top="12px"),
    )


def _fields(kind: str, settings: tuple[Setting, ...]) -> rx.Component:
    return rx.el.div(*(_setting(kind, one) for one in settings), class_name="cx-form-grid")


def _setting(kind: str, setting: Setting) -> rx.Component:
    name, state = f"{kind}-{setting.name}", GatewayFormState
    value: Any = state.values[setting.name]  # type: ignore[index]
    span: dict[str, Any] = {"grid_column": "1 / -1"} if setting.wide else {}
    if setting.flag:
        box = checkbox(setting.label, value == "true", lambda on: state.set_flag(setting.name, on))
        return rx.el.div(box, **span)

    def change(text: Any) -> Any:
        return state.set_value(setting.name, text)

    if setting.options:
        control = select(name, list(setting.options), value, change)
    elif setting.rows:
        control = text_area(name, value, change, rows=setting.rows, mono=setting.mono)
    else:
        control = text_input(
            name, value, change, mono=setting.mono, error=_error(f"settings.{setting.name}"), auto_complete="off"
        )
    help = None if setting.options else setting.help or KINDS[kind].settings.model_fields[setting.name].description
    return rx.el.div(
        field(setting.label, control, name=name, help=help, error=_error(f"settings.{setting.name}")), **span
    )


def _secret(kind: str, name: str) -> rx.Component:
    state, control_id = GatewayFormState, f"{kind}-secret-{name}"
    kept = state.kept_secrets.contains(name)  # type: ignore[attr-defined]
    control = text_input(
        control_id,
        state.secrets[name],  # type: ignore[index]
        lambda text: state.set_secret(name, text),
        type="password",
        placeholder=rx.cond(kept, "Set. Type to replace it", ""),
        auto_complete="new-password",
    )
    return field(
        SECRET_WORDS[name],
        control,
        name=control_id,
        help="Kept sealed. It is never shown again.",
        error=_error(f"secrets.{name}"),
    )


def _error(loc: str) -> Any:
    return GatewayFormState.errors[loc]  # type: ignore[index]
