"""What the doors of the HTTP service share."""

from dataclasses import dataclass, field

from service.admission import Admission
from service.feedback_store import FeedbackStore
from service.model_registry import ModelRegistry, ServedModel
from service.settings import Settings


@dataclass(slots=True)
class ServiceParts:
    """The parts of one process of the service; what a door needs it takes from here."""

    settings: Settings
    models: ModelRegistry
    admission: Admission
    feedback: FeedbackStore
    feedback_admission: Admission
    draining: bool = field(default=False)
    """Whether the process is about to end: readyz says so, and all else goes on."""

    @classmethod
    def of(cls, models: ModelRegistry, settings: Settings) -> "ServiceParts":
        """The parts for `models` as `settings` say."""
        return cls(
            settings=settings,
            models=models,
            admission=Admission(settings.slots, settings.queue, settings.queue_seconds),
            feedback=FeedbackStore(settings.feedback, most_bytes=settings.feedback_mib << 20),
            feedback_admission=Admission(1, settings.queue, settings.queue_seconds),  # the store takes one at a time
        )

    @property
    def model(self) -> ServedModel:
        """The model served now; a request takes it once and keeps it."""
        return self.models.current
