import pytest
from pydantic import ValidationError

from cxconsole.gateways.http.paths import BadPath, parse_path, read_path
from cxconsole.gateways.http.settings import HttpSettings, parse_statuses

GOOD = {"url": "https://sms.example/send", "body": '{"text": {{ text | tojson }}}'}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "ftp://sms.example/"}, "url: begin with https://"),
        ({"url": "https://{{ target }}/"}, "url:"),
        ({"url": "https://{{ text }}.sms.example/"}, "url:"),
        ({"url": "https://sms.example/{{ colour }}"}, "'colour' is undefined"),
        ({"body": '{"text": "{{ text }}"}'}, "tojson"),
        ({"body": '{"to": {{ to | tojson }}}'}, "'to' is undefined. The names are target, text"),
        ({"body": "{{ text"}, "body:"),
        ({"body": "{{ ''.__class__.__mro__ }}"}, "body:"),
        ({"headers": {"X-Text": "{{ text }}"}}, "line break"),
        ({"headers": {"Host": "elsewhere"}}, "written by the console"),
        ({"headers": {"X Y": "1"}}, "not the name of a header"),
        ({"success_status": "2xx"}, "Write status codes"),
        ({"success_path": "a..b"}, "not a path"),
        ({"success_path": "a.b"}, "success_equals"),
        ({"id_from": "json"}, "id_at"),
        ({"id_from": "regex", "id_at": "(a+)+$"}, "repeat within a repeat"),
        ({"id_from": "regex", "id_at": "("}, "does not work"),
    ],
)
def test_a_mistake_is_found_when_it_is_typed(change, words):
    with pytest.raises(ValidationError, match="(?s).*" + words.replace("(", r"\(")):
        HttpSettings(**{**GOOD, **change})


def test_statuses_are_codes_and_ranges():
    assert parse_statuses("200-299, 409") == [(200, 299), (409, 409)]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("messages[0].id", 7), ("$.messages[0].id", 7), ("messages[1].id", None), ("messages.id", None),
        ("['odd key']", 1), ("messages[0]['id']", 7), ("none.of.it", None),
    ],
)  # fmt: skip
def test_a_path_leads_to_a_value_or_to_none(path, found):
    assert read_path({"messages": [{"id": 7}], "odd key": 1}, parse_path(path)) == found


@pytest.mark.parametrize("path", ["", "$", "a b", "a[", "a[x]"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(BadPath):
        parse_path(path)
