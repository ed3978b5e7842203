"""`/`: what is running now."""

import reflex as rx

from components.page import page_header


def home() -> rx.Component:
    """What is running, what is wrong, what to press."""
    return rx.fragment(page_header("Home", "What is running now."))
