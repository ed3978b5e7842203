"""The demo company's messages: they render for everybody, and let everybody leave."""

import pytest

from cxconsole.comms.rendering import Content, compile_template, render
from cxconsole.demo.content import TEMPLATES, DemoTemplate
from cxconsole.demo.world import CAMPAIGNS


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_message_renders_for_a_person_of_whom_nothing_is_known(template: DemoTemplate) -> None:
    compiled = compile_template(Content(subject=template.subject, html=template.html, text=template.text))
    assert compiled.required <= {"unsubscribe_url"}
    message = render(compiled, {"unsubscribe_url": "https://console.example/u/token"})
    assert message.text
    assert "{{" not in message.subject + (message.html or "") + message.text


@pytest.mark.parametrize("template", [one for one in TEMPLATES if one.channel == "email"], ids=lambda one: one.key)
def test_every_mail_lets_people_leave(template: DemoTemplate) -> None:
    compiled = compile_template(Content(subject=template.subject, html=template.html))
    message = render(compiled, {"unsubscribe_url": "https://console.example/u/token", "first_name": "Zoë"})
    assert 'href="https://console.example/u/token"' in (message.html or "")
    assert "https://console.example/u/token" in message.text


def test_every_campaign_speaks_with_a_template_of_its_channel() -> None:
    channels = {one.key: one.channel for one in TEMPLATES}
    steps = [step for campaign in CAMPAIGNS for step in campaign.steps]
    assert steps
    assert all(channels[step.template] == step.channel for step in steps)
