"""`/`: what is running now."""

import reflex as rx


def home() -> rx.Component:
    """What is running, what is wrong, what to press."""
    return rx.el.main(rx.heading("Home"))
