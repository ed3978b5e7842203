"""The console's numbers in Prometheus' text format."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cxconsole.campaigns.measures import Measures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def write_metrics(measures: Measures, *, waiting: int, free_bytes: int) -> bytes:
    """The page that Prometheus scrapes. `waiting`: events taken and not stored yet, by this process."""
    registry = CollectorRegistry()
    registry.register(_Numbers(measures, waiting, free_bytes))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, measures: Measures, waiting: int, free_bytes: int) -> None:
        self._measures, self._waiting, self._free_bytes = measures, waiting, free_bytes

    def collect(self) -> Iterable[Metric]:
        found = self._measures
        yield _by("campaigns", "Campaigns by state.", ("state",), _single(found.campaigns))
        yield _by("contacts", "Contacts by status, holds by reason.", ("status",), _single(found.contacts))
        yield _by("deliveries", "Deliveries by what came of them.", ("channel", "outcome"), found.deliveries)
        yield _by("imports", "Imports of contacts by state.", ("state",), _single(found.imports))
        yield _one("tape_last_event_id", "The newest event on the Tape; its growth is the rate.", found.last_event_id)
        yield _one("intake_waiting_events", "Events this process has taken and not stored yet.", self._waiting)
        yield _one("engine_alive", "Whether an engine runs the jobs.", found.engine_is_alive)
        yield _one("sending_paused", "Whether somebody paused all sending.", found.sending_is_paused)
        yield _one("data_free_bytes", "Room on the disk of the data folder.", self._free_bytes)
        runs = CounterMetricFamily("cxconsole_job_runs", "Turns of a job that had something to do.", labels=["job"])
        errors = CounterMetricFamily("cxconsole_job_errors", "Turns of a job that failed.", labels=["job"])
        last = {}
        for name, job in found.jobs.items():
            runs.add_metric([name], job.runs)
            errors.add_metric([name], job.errors)
            if job.last_run_at is not None:
                last[name,] = job.last_run_at.timestamp()
        yield runs
        yield errors
        yield _by("job_last_run_timestamp_seconds", "When a job last did something.", ("job",), last)


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cxconsole_{name}", about, value=value)


def _by(name: str, about: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    """One value for each tuple of labels."""
    family = GaugeMetricFamily(f"cxconsole_{name}", about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _single(values: Mapping[str, int]) -> dict[tuple[str], int]:
    return {(key,): value for key, value in values.items()}


__all__ = ["CONTENT_TYPE", "write_metrics"]
