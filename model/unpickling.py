"""Reads a pickled pipeline, and nothing else: the checksums of a crafted folder fit its crafted files."""

import io
import zlib
from pickle import UnpicklingError
from typing import Any

from joblib.numpy_pickle import NumpyUnpickler

from model.pipeline import Pipeline

# All that a pickled pipeline may name; a file that names anything else is refused before it could call it.
_PICKLED_NAMES = {
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "model.features.concept_names",
    "model.features.word_names",
    "model.pipeline.Pipeline",
    "numpy.dtype",
    "numpy.float64",
    "numpy.ndarray",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.pipeline.FeatureUnion",
}


class _PipelineUnpickler(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
    """Unpickles what a pipeline is made of."""

    def find_class(self, module: str, name: str) -> Any:
        """The named class or function, where a pipeline may name it."""
        if f"{module}.{name}" not in _PICKLED_NAMES:
            raise UnpicklingError(f"{module}.{name} has no place in a pipeline")
        return super().find_class(module, name)


def unpickle_pipeline(content: bytes) -> Pipeline:
    """The pipeline in `content`, as `joblib.dump` wrote it, compressed by zlib; anything that is wrong with it raises."""
    pipeline = _PipelineUnpickler("", io.BytesIO(zlib.decompress(content)), ensure_native_byte_order=True).load()
    if not isinstance(pipeline, Pipeline):
        raise UnpicklingError(f"a {type(pipeline).__name__} is no pipeline")
    return pipeline
