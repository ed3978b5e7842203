"""What a profile means, in the plainest Python: one event after the other, one attribute after the other."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cxconsole.journey.attributes import Attribute, Kind, Lookback, Mode
from cxconsole.journey.rules import Rule, Rules

TYPES = ("cart", "cart/add", "cart.add", "cart:add", "cartoon", "page viewed")
PATTERNS = ("*", "cart", "cart/*", "cart/add", "page viewed", "nothing")
PATHS = ("value", "deep.value", "items[].value", "items[]", "list", "missing")


def means(pattern, event_type):
    if pattern == "*":
        return True
    if pattern == "cart/*":
        return event_type in ("cart", "cart/add", "cart.add", "cart:add")
    return pattern == event_type


def values_at(data, path):
    """All that is at a path: a list stands for its items where the path says so, and at its end."""
    found = [data]
    for step in path.split("."):
        inner = [
            one[step.removesuffix("[]")] for one in found if isinstance(one, dict) and step.removesuffix("[]") in one
        ]
        found = flat(inner) if step.endswith("[]") else inner
    return flat(found)


def flat(values):
    return [item for one in values for item in (flat(one) if isinstance(one, list) else [one])]


def as_kind(value, kind):
    if isinstance(value, dict) or value is None:
        return None
    if kind == Kind.STRING:
        return value if isinstance(value, str) else json.dumps(value)
    if kind == Kind.BOOLEAN:
        return {"true": True, "false": False}.get(str(value).lower())
    if isinstance(value, bool):
        return None
    if kind == Kind.DATETIME:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        number = float(value)
    except ValueError:
        return None
    if kind == Kind.INTEGER:
        return int(number) if number == int(number) and "." not in (value if isinstance(value, str) else "") else None
    return number


def oldest(attribute, now):
    units = {
        Lookback.MINUTES: timedelta(minutes=1),
        Lookback.HOURS: timedelta(hours=1),
        Lookback.DAYS: timedelta(days=1),
    }
    return (
        datetime.min.replace(tzinfo=UTC)
        if attribute.lookback == "none"
        else now - attribute.period * units[attribute.lookback]
    )


def profile_of(attribute: Attribute, events, now):
    """The values; `events` are (time, key, type, data)."""
    taken, values = 0, []
    for time, _key, event_type, data in sorted(events, key=lambda one: one[:2], reverse=True):
        if taken == attribute.limit or time < oldest(attribute, now) or not means(attribute.event, event_type):
            continue
        found = (
            [as_kind(one, attribute.kind) for one in values_at(data, attribute.path)] if attribute.path else ["event"]
        )
        found = [one for one in found if one is not None]
        if found:
            taken += 1
            values += found
    match attribute.mode:
        case Mode.COUNT:
            return [taken]
        case Mode.SUM:
            return [sum(values)]
        case Mode.AVERAGE:
            return [sum(values) / len(values)] if values else []
        case Mode.MAX:
            return [max(values)] if values else []
        case Mode.MIN:
            return [min(values)] if values else []
        case Mode.DISTINCT:
            return [one for at, one in enumerate(values) if one not in values[:at]]
    return values


def rules_hold(rules: Rules, results: dict[str, list]):
    """`results` are the values of each attribute by its metadata; all values are of one kind."""
    said = [rules_hold(one, results) if isinstance(one, Rules) else rule_holds(one, results) for one in rules.args]
    return any(said) if rules.logic == "OR" else all(said)


def rule_holds(rule: Rule, results):
    for one in results[rule.path]:
        wanted = type(one)(rule.value)
        met = {
            "EQ": one == wanted, "NEQ": one == wanted, "GTE": one >= wanted, "GT": one > wanted, "LTE": one <= wanted,
            "LT": one < wanted, "HAS": isinstance(one, str) and wanted in one,
        }  # fmt: skip
        if met[rule.operator]:
            return rule.operator != "NEQ"
    return rule.operator == "NEQ"


def nearly(values):
    """What two ways of adding up agree on."""
    return [pytest.approx(one) if isinstance(one, float) else one for one in values]
