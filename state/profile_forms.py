"""The attributes of a profile view as they are typed; their fields are called as in the contract."""

import re
from dataclasses import dataclass
from typing import Any

from cxconsole.errors import FieldProblem
from cxconsole.journey.attributes import Attribute, Lookback, say_attribute
from cxconsole.journey.rules import BadRules, parse_rules, say_rules, write_rules

_CALLED = re.compile(r"^(?:“[^”]*”|Attribute \d+): ")
NEW = {"displayName": "", "event": "", "metadata": "", "metadataType": "string", "limit": "100",
        "lookbackDurationType": "days", "lookbackPeriod": "30", "aggregationMode": "Count", "compartment": "",
        "rules": ""}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AttributeForm:
    """One attribute. `problems` are by field; `fields` are those seen in events of its type."""

    number: int
    texts: dict[str, str]
    problems: dict[str, str]
    fields: list[str]
    extra: dict[str, Any]  # what the form does not show
    verbose: bool = False


def new_form() -> AttributeForm:
    """An attribute to begin with."""
    return AttributeForm(number=0, texts=dict(NEW), problems={}, fields=[], extra={})


def form_of(one: Attribute) -> AttributeForm:
    """An attribute as it is shown in the form."""
    said = say_attribute(one)
    values = {name: str(value) for name, value in said.items() if name in NEW}
    period = "" if one.lookback is Lookback.NONE else str(one.period)
    values = {**NEW, **values, "lookbackPeriod": period, "rules": write_rules(one.rules)}
    extra = {name: said[name] for name in ("version", "widgetAttributes")}
    return AttributeForm(number=0, texts=values, problems={}, fields=[], extra=extra, verbose=one.verbose)


def document_of(one: AttributeForm) -> dict[str, Any]:
    """The attribute in the shape of the contract. Raises BadRules."""
    rules = say_rules(parse_rules(one.texts["rules"]))
    return {**one.extra, **one.texts, "verbose": one.verbose, "rules": rules}


def rule_about(other: AttributeForm) -> str:
    """A rule about an attribute, to be written on."""
    named = (other.texts["event"], other.texts["metadata"], other.texts["aggregationMode"])
    is_text = other.texts["metadataType"] == "string" and other.texts["aggregationMode"] != "Count"
    quoted = ",".join("'" + one.replace("'", "''") + "'" for one in named)
    return f"{quoted} HAS 'x'" if is_text else f"{quoted} GTE 1"


def short(message: str) -> str:
    """What is wrong, without the name of the attribute beside which it stands."""
    return _CALLED.sub("", message)


def read_rule_texts(forms: list[AttributeForm]) -> list[FieldProblem]:
    """What is wrong with the rules as they are written."""
    problems = []
    for one in forms:
        try:
            parse_rules(one.texts["rules"])
        except BadRules as error:
            problems.append(FieldProblem(loc=f"attributes[{one.number - 1}].rules", msg=str(error)))
    return problems
