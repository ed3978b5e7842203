"""The mail that the benches send: personalised in some thirty places, about 5 kB of HTML and text, in Jinja2."""

SUBJECT = "For {{ first_name | default('you') }}"
_LINES = "".join(
    f"<p>{{{{ first_name | default('Friend') }}}}, line {number}: " + "our offer of this month. " * 4 + "</p>\n"
    for number in range(30)
)
HTML = (
    "<html><body><h1>Hello {{ first_name | default('Friend') }} {{ last_name | default('') }}</h1>\n"
    f"{_LINES}<p>Yours in {{{{ city | default('town') }}}}, {{{{ campaign.name }}}}</p>"
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>'
)
TEXT = "Hello {{ first_name | default('Friend') }},\n" + "our offer of this month.\n" * 30 + "{{ unsubscribe_url }}\n"
