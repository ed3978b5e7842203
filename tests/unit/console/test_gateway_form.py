"""The form of a gateway asks for all that its kind has."""

import pytest

from components.gateway_form import FIELDS, MORE, SECRET_WORDS
from cxconsole.gateways.registry import KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_setting_of_a_kind_can_be_set_in_the_form(kind: str) -> None:
    asked = [one.name for one in (*FIELDS[kind], *MORE[kind])]
    assert sorted(asked) == sorted(KINDS[kind].settings.model_fields)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_secret_of_a_kind_has_a_word(kind: str) -> None:
    assert set(KINDS[kind].secrets.model_fields) <= set(SECRET_WORDS)
