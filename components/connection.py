"""The live dot and the line that says that the connection is lost; both live in the browser."""

import reflex as rx


class LiveDot(rx.NoSSRComponent):
    """A dot with its word: Live, Reconnecting, Offline."""

    library = "$/public/connection"
    tag = "LiveDot"


class ConnectionLine(rx.NoSSRComponent):
    """The amber line below the header while nothing is heard; empty otherwise."""

    library = "$/public/connection"
    tag = "ConnectionLine"


live_dot = LiveDot.create
connection_line = ConnectionLine.create
