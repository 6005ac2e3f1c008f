"""What the doors of the HTTP service share."""

import logging
from dataclasses import dataclass, field

from service.admission import Admission
from service.api_keys import ApiKeys
from service.feedback_store import FeedbackStore
from service.metrics import Metrics
from service.model_registry import ModelRegistry, ServedModel, Swap
from service.reading_pool import ReadingPool
from service.settings import Settings

logger = logging.getLogger("policy_themes.models")


@dataclass(slots=True)
class ServiceParts:
    """The parts of one process of the service; what a door needs it takes from here."""

    settings: Settings
    models: ModelRegistry
    admission: Admission
    feedback: FeedbackStore
    feedback_admission: Admission
    streams: Admission
    readers: ReadingPool
    metrics: Metrics
    keys: ApiKeys
    draining: bool = field(default=False)
    """Whether the process is about to end: readyz says so, and all else goes on."""

    @classmethod
    def of(cls, models: ModelRegistry, settings: Settings) -> "ServiceParts":
        """The parts for `models` as `settings` say.

        Raises:
            ApiKeyError: the keys are not as they should be.
        """
        parts = cls(
            settings=settings,
            models=models,
            admission=Admission(settings.slots, settings.queue, settings.queue_seconds),
            feedback=FeedbackStore(settings.feedback, most_bytes=settings.feedback_mib << 20),
            feedback_admission=Admission(1, settings.queue, settings.queue_seconds),  # the store takes one at a time
            streams=Admission(settings.streams, settings.queue, settings.queue_seconds),
            readers=ReadingPool(settings.readers, settings.queue_seconds),
            metrics=Metrics(),
            keys=ApiKeys(settings.api_keys, settings.api_keys_file),
        )
        parts.metrics.serving(models.current)
        models.tell = parts.tell_swap
        return parts

    @property
    def model(self) -> ServedModel:
        """The model served now; a request takes it once and keeps it."""
        return self.models.current

    def tell_swap(self, swap: Swap) -> None:
        """Count and log that another model is served, or was refused."""
        if swap.fault is None:
            self.metrics.reload("taken")
            self.metrics.serving(swap.after, swap.before)
            logger.info("model %s taken up in place of %s", swap.after.version, swap.before.version)
        else:
            self.metrics.reload("refused")
            logger.error("new model refused, %s goes on: %s", swap.before.version, swap.fault)

    def close(self) -> None:
        """Let go of files and processes."""
        self.readers.close()
        self.feedback.close()
