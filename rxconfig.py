"""Reflex's settings; everything an operator sets is in `cxconsole/settings.py`."""

import reflex as rx
from reflex.plugins import RadixThemesPlugin, SitemapPlugin

from cxconsole.settings import get_settings

config = rx.Config(
    app_name="cxconsole",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # States live as long as the process: nothing that people looked at is left on disk.
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    # Without this list any web site could speak to the console through the browser of who uses it.
    cors_allowed_origins=get_settings().browser_origins,
    disable_plugins=[SitemapPlugin],
    plugins=[
        RadixThemesPlugin(
            theme=rx.theme(
                accent_color="iris",
                gray_color="slate",
                radius="medium",
                panel_background="solid",
                scaling="100%",
                appearance="inherit",
                has_background=False,
            )
        )
    ],
)
