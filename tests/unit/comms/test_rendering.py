import pytest

from cxconsole.comms.rendering import (
    Content,
    MissingField,
    RenderProblem,
    TemplateProblem,
    compile_template,
    describe_fields,
    render,
)
from models.template import TemplateVersion


def render_text(source, **fields):
    return render(compile_template(Content(text=source)), fields).text


def render_html(source, **fields):
    return render(compile_template(Content(html=source)), fields)


def test_values_are_escaped_in_html_and_nowhere_else():
    content = Content(subject="{{ name }}", html="<p>{{ name }}</p>", text="{{ name }}")
    rendered = render(compile_template(content), {"name": "<b>O'Brien & Sons</b>"})
    assert rendered.html == "<p>&lt;b&gt;O&#39;Brien &amp; Sons&lt;/b&gt;</p>"
    assert rendered.subject == rendered.text == "<b>O'Brien & Sons</b>"


def test_a_missing_field_is_named():
    for source in ("{{ first_name }}", "{{ first_name | upper }}", "a{{ 'x' ~ first_name }}", "{{ first_name.x }}"):
        with pytest.raises(MissingField) as missing:
            render_text(source)
        assert missing.value.name == "first_name"
        assert "first_name" in missing.value.detail


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name | default('you') }}",
        "{{ first_name | d('you') | upper | lower }}",
        "{{ first_name or 'you' }}",
        "{% if first_name %}{{ first_name }}{% else %}you{% endif %}",
        "{{ first_name if first_name is defined else 'you' }}",
        "{% if first_name == 'Ann' %}Ann{% else %}you{% endif %}",
        "{{ person.first_name | default('you') }}",
    ],
)
def test_a_fall_back_stands_for_what_is_missing(source):
    assert render_text(source, **describe_fields({}, campaign={}, unsubscribe_url="")) == "you"


def test_an_empty_text_counts_as_missing_and_nought_does_not():
    assert render_text("{{ a | default('x') }}{{ b | default('x') }}{{ c | default('x') }}", a="", b=None, c=0) == "xx0"


def test_the_subject_is_one_line():
    rendered = render(compile_template(Content(subject="Hi {{ a }} ", text="")), {"a": "x\r\nBcc: all@example.com"})
    assert rendered.subject == "Hi x Bcc: all@example.com"


def test_person_and_campaign_can_be_named():
    fields = describe_fields({"first_name": "Ann"}, campaign={"name": "Spring"}, unsubscribe_url="https://u/")
    text = render_text(
        "{{ person.first_name }} {{ person['first_name'] }} {{ campaign.name }} {{ unsubscribe_url }}", **fields
    )
    assert text == "Ann Ann Spring https://u/"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in range(10 ** 9) %}{% endfor %}",
        "{% for a in range(3000) %}{% for b in range(3000) %}{% endfor %}{% endfor %}",
        "{% for a in range(3000) %}x{% endfor %}{% for a in range(3000) %}x{% endfor %}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ '{:>99999999}'.format(1) }}",
        "{{ '%99999999d' % 1 }}",
        "{{ long | replace('a', long) }}",
        "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40)) + "{{ a40 }}",
        "".join(f"{{% set a{n + 1} = a{n} + a{n} %}}" for n in range(40)) + "{{ a40 }}",
        "{% set n0 = 10 %}" + "".join(f"{{% set n{n + 1} = n{n} * n{n} %}}" for n in range(40)) + "{{ n40 }}",
        "{% for a in range(4000) %}{{ long }}{% endfor %}",
        "{{ range(4000) }}{{ [1] }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ first.__init__.__globals__ }}",
        "{{ (1).bit_length() }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_cannot_wear_out_or_reach_the_house(source):
    with pytest.raises(RenderProblem):
        render_text(source, a0="x" * 100, long="a" * 50_000, first="x")


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% set a %}x{% endset %}",
        "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
        "{{ a | pprint }}",
        "{{ a | center(10) }}",
        "{{ __turns }}",
        "{% set a = [b, b] %}",
        "{% set a = {'x': b} %}",
    ],
)
def test_what_a_message_does_not_need_is_refused_when_it_is_saved(source):
    with pytest.raises(TemplateProblem) as refused:
        compile_template(Content(text=source))
    assert refused.value.part == "text"


def test_a_mistake_is_shown_with_its_line():
    with pytest.raises(TemplateProblem) as refused:
        compile_template(Content(subject="x", html="<p>\n{{ first_name </p>"))
    assert (refused.value.part, refused.value.line) == ("html", 2)


def test_deep_nesting_is_a_mistake_and_not_a_crash():
    with pytest.raises(TemplateProblem):
        compile_template(Content(text="{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"))


def test_ordinary_templates_work():
    source = (
        "{% for kind, number in {'a': 1, 'b': 2}.items() %}{{ loop.index }}{{ kind }}{{ number + 1 }}"
        "{% if not loop.last %}, {% endif %}{% endfor %}; {{ ['x', 'y'] | join('-') }}; {{ name.upper() }}; "
        "{{ name | truncate(3, True, '…', 0) }}; {{ 7 * 6 }}; {% set greeting = 'Hi ' ~ name %}{{ greeting }}"
    )
    assert render_text(source, name="Annabel") == "1a2, 2b3; x-y; ANNABEL; An…; 42; Hi Annabel"


def test_concatenation_keeps_escaping():
    assert render_html("{{ '<b>' | safe ~ name ~ '</b>' | safe }}", name="<i>").html == "<b>&lt;i&gt;</b>"


def render_described(source, **values):
    return render_text(source, **describe_fields(values, campaign={}, unsubscribe_url="#"))


def test_a_profile_is_named_with_a_dot_and_falls_back_as_other_fields_do():
    profile = {"items": 3, "keys": ["a", "b"], "empty": ""}
    assert render_described("{{ profile.items }} {{ profile.keys | join('+') }}", profile=profile) == "3 a+b"
    for source in ("{{ profile.none | default('x') }}", "{{ profile.empty | default('x') }}"):
        assert render_described(source, profile=profile) == render_described(source) == "x"
    assert render_described("{% if profile.none %}a{% elif profile.items > 2 %}b{% endif %}", profile=profile) == "b"
    for values in ({"profile": profile}, {}):
        with pytest.raises(MissingField) as missing:
            render_described("{{ profile.none }}", **values)
        assert missing.value.name == "profile.none"
    with pytest.raises(RenderProblem):
        render_described("{{ profile }}", profile=profile)


def test_an_attribute_called_profile_is_still_a_field():
    assert render_described("{{ profile | default('basic') }}", profile="gold") == "gold"
    assert render_described("{{ profile | default('basic') }}") == "basic"
    assert render_described("{{ profile.items | default('x') }} {{ person['profile'] }}", profile="gold") == "x gold"


def test_the_text_is_made_from_the_html():
    source = """<html><head><style>p {}</style></head><body><h1>Hello {{ name }}</h1>
      <p>One&nbsp;&amp;   <b>two</b>.<br>Three</p><ul><li>a</li><li>b</li></ul>
      <p>See <a href="https://x.example/?a=1&amp;n={{ name }}">the shop</a>, <a href="https://y.example/">https://y.example/</a></p>
      <img alt="Logo" src="x.png"></body></html>"""
    rendered = render_html(source, name="A&B")
    assert rendered.text == (
        "Hello A&B\n\nOne & two.\nThree\n\n- a\n- b\n\nSee the shop (https://x.example/?a=1&n=A&B), https://y.example/\n\nLogo"
    )


@pytest.mark.parametrize(
    "source",
    [
        "<p>{% if vip %}Dear {{ name }}{% else %}Hello{% endif %}</p>",
        "<table>{% for n in range(2) %}<tr><td>{{ n }}</td></tr>{% endfor %}</table>",
        "<a {% if vip %}href='https://x.example/'{% endif %}>Go</a>",
        "<p {% if vip %}class='a'{% endif %}>{{ name }}</p>",
        "<p>{{ '<b>bold</b>' | safe }}</p>",
        "<p>&#123;&#123; not a field &#125;&#125;</p>",
        "<p>{# a remark #}{{ name }}</p>",
        "<p>{% raw %}{{ shown }}{% endraw %}</p>",
        "<style>{% if vip %}p {}{% endif %}</style><p>Hi</p>",
    ],
)
@pytest.mark.parametrize("vip", [True, False])
def test_a_text_made_once_says_what_one_made_from_each_html_would(source, vip):
    from cxconsole.comms.plain_text import text_from_html

    rendered = render_html(source, vip=vip, name="Ann")
    assert rendered.html is not None
    assert rendered.text.split() == text_from_html(rendered.html).split()


def test_fields_and_what_has_a_fall_back_are_known():
    compiled = compile_template(
        Content(
            subject="{{ first_name | default('x') }} {{ tariff }}",
            html="{% if title %}{{ title }}{% endif %}{{ person.city }}{{ campaign.name }}"
            "{% for a in range(2) %}{{ a }}{% endfor %}{{ 'x' if b is defined else c }}",
        )
    )
    assert compiled.fields == {"first_name", "tariff", "title", "city", "campaign.name", "b", "c"}
    assert compiled.required == {"tariff", "city", "campaign.name", "c"}


def test_a_text_is_compiled_once_and_another_one_is_another(now):
    first, same, other = (TemplateVersion(id=1, text=text, template_id=1, version=1, created_at=now) for text in "aab")
    assert compile_template(first) is compile_template(same)
    assert compile_template(first) is not compile_template(other)
