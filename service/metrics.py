"""Figures for Prometheus, of one process or, where a folder is set for it, of all processes of the service together."""

import os
from collections import Counter as Tally
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from model.label import Label
from service.model_registry import ServedModel

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one service keep their figures together; to be set before this module is imported."""
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_NO_THEME = "none"

_Metric = TypeVar("_Metric", Counter, Histogram)


class Metrics:
    """What is counted. Every label has few values: routes and not paths, known methods, the model's themes."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._registry = CollectorRegistry()
        self._known: dict[tuple[Counter | Histogram, tuple[str, ...]], Counter | Histogram] = {}
        counter = partial(Counter, namespace="policy_themes", registry=self._registry)
        gauge = partial(Gauge, namespace="policy_themes", registry=self._registry)
        self._requests = counter("requests", "Requests answered", ["method", "route", "status"])
        self._seconds = Histogram(
            "request_seconds",
            "Time to the end of an answer",
            ["route"],
            namespace="policy_themes",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._paragraphs = counter("paragraphs", "Paragraphs by what became of them", ["outcome"])
        self._labels = counter("labels", "Paragraphs given a theme", ["theme", "model"])
        self._reloads = counter("model_reloads", "New models by what became of them", ["outcome"])
        self._feedback = counter("feedback", "Corrections by what became of them", ["outcome"])
        self._waiting = gauge("queue_waiting", "Requests that wait for a slot", multiprocess_mode="livesum")
        self._model = gauge(
            "model_info", "1 for the model that is served", ["version", "path"], multiprocess_mode="livemax"
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; `route` is the pattern of its path."""
        self._of(self._requests, method if method in _METHODS else "other", route, str(status)).inc()
        self._of(self._seconds, route).observe(seconds)

    def labelled(self, labels: Sequence[Label], model: ServedModel) -> None:
        """Count labelled paragraphs: those to look at again apart, and those of each theme, or none."""
        uncertain = sum(bool(label.uncertain) for label in labels)
        themes = Tally(theme for label in labels for theme in label.themes or (_NO_THEME,))
        self._of(self._paragraphs, "labelled").inc(len(labels) - uncertain)
        if uncertain:
            self._of(self._paragraphs, "uncertain").inc(uncertain)
        for theme, count in themes.items():
            self._of(self._labels, theme, model.version).inc(count)

    def refused(self, paragraphs: int) -> None:
        """Count what could not be labelled."""
        self._paragraphs.labels("refused").inc(paragraphs)

    def feedback(self, outcome: str) -> None:
        """Count a correction: "kept" or "failed"."""
        self._feedback.labels(outcome).inc()

    def reload(self, outcome: str) -> None:
        """Count a model: "taken" or "refused"."""
        self._reloads.labels(outcome).inc()

    def serving(self, model: ServedModel, before: ServedModel | None = None) -> None:
        """Tell which model is served from now on."""
        if before is not None:
            self._model.labels(before.version, before.labeller.card["path"]).set(0)
        self._model.labels(model.version, model.labeller.card["path"]).set(1)

    def _of(self, metric: _Metric, *values: str) -> _Metric:
        """The part of `metric` with these label values; the library's own way to it takes longer than counting does."""
        known = self._known.get((metric, values))
        if known is None:
            known = self._known[metric, values] = metric.labels(*values)
        return known  # type: ignore[return-value]

    def exposition(self, waiting: int) -> bytes:
        """All figures as Prometheus reads them."""
        self._waiting.set(waiting)
        if not os.environ.get(FOLDER_VARIABLE):
            return generate_latest(self._registry)
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 (only several processes need it)

        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
