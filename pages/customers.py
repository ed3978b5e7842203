"""`/customers`: everybody who is known."""

import reflex as rx

from components.badges import badge
from components.buttons import button
from components.callouts import nothing_found
from components.filters import filter_row, search_box
from components.page import page_header
from components.tables import Column, data_table, name_link, two_lines
from components.trails import moment
from state.customers import CustomersState


def customers() -> rx.Component:
    """The list, searched by any part of a name, address, id or attribute."""
    state = CustomersState
    return rx.fragment(
        page_header("Customers", "Everybody who is known, by any address, id or attribute."),
        filter_row(search_box(state.q, state.search, placeholder="Name, address, id or attribute", wide=True)),
        data_table(
            [
                Column(
                    label="Name",
                    sort="last_name",
                    bone=150,
                    show=lambda row: two_lines(name_link(row.name, f"/customers/{row.id}"), row.customer_id),
                ),
                Column(label="E-mail", phone="full", bone=170, show=lambda row: row.email),
                Column(label="Phone", phone="hide", show=lambda row: row.phone),
                Column(label="Language", phone="hide", show=lambda row: row.language),
                Column(
                    label="Labels",
                    phone="hide",
                    show=lambda row: rx.el.span(rx.foreach(row.labels, lambda one: badge(one)), class_name="cx-row"),
                ),
                Column(label="Since", sort="id", phone="hide", show=lambda row: moment(row.since, class_name="cx-dim")),
            ],
            state,
            state.rows,
            label="Customers",
            nothing=rx.cond(
                state.q != "",
                nothing_found("Nobody fits this search. Drop it to see all."),
                nothing_found(
                    "Nobody is known yet. Customers come with the contacts of a campaign, or over REST.",
                    button("Open campaigns", icon_name="megaphone", href="/campaigns"),
                ),
            ),
        ),
    )
