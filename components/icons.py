"""Icons: lucide, one stroke, silent for screen readers because a word always stands beside them."""

from typing import Any

import reflex as rx

from cxconsole.journey.event_words import CHANNELS


def icon(name: str, size: int = 16, **props: Any) -> rx.Component:
    """A lucide icon by its name, such as "circle-check"."""
    attrs = {"aria-hidden": "true", **props.pop("custom_attrs", {})}
    return rx.icon(name.replace("-", "_"), size=size, stroke_width=1.85, custom_attrs=attrs, **props)


def channel_icon(channel: rx.Var[str] | str, size: int = 16) -> rx.Component:
    """The icon of a channel with its word as a label."""
    cases = [(key, _labelled(word, name, size)) for key, (word, name) in CHANNELS.items()]
    if isinstance(channel, str):
        return dict(cases)[channel]
    return rx.match(channel, *cases, _labelled("Channel", "send", size))  # type: ignore[return-value]


def channel_icons(channels: rx.Var[Any]) -> rx.Component:
    """The icons of a list of channels."""
    return rx.el.span(rx.foreach(channels, lambda channel: channel_icon(channel)), class_name="cx-chip-icons")


def channel_word(channel: rx.Var[str] | str) -> rx.Var[str] | str:
    """The word of a channel, such as "E-mail"."""
    if isinstance(channel, str):
        return CHANNELS[channel][0]
    return rx.match(channel, *((key, word) for key, (word, _) in CHANNELS.items()), channel)  # type: ignore[return-value]


def _labelled(word: str, name: str, size: int) -> rx.Component:
    return rx.el.span(icon(name, size), title=word, role="img", aria_label=word, display="inline-flex")
