"""The same labels in Spark: what `DataFrame.mapInArrow` takes.

    function = label_partition("/shared/model", "text")
    frame.mapInArrow(function, labelled_spark_schema(frame.schema, "/shared/model"))

Workers have policy-themes installed and see the model folder under the same name as the driver.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from service.arrow_labelling import label_batch, labelled_schema
from service.worker_model import labeller_here

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def label_partition(
    model_folder: str | None, text_column: str
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` that labels the batches of a partition.

    The model is read here as well, and what workers find must be the same version: another one fails the job with a sentence.

    Args:
        model_folder: where the model lies, here and on every worker; None is each machine's default model.
        text_column: name of the column that holds the paragraphs.

    Raises:
        ArtifactError: there is no model here, or it is damaged.
    """
    version = labeller_here(model_folder, None).version

    def label(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        labeller = labeller_here(model_folder, version)
        for batch in batches:
            yield label_batch(batch, labeller, text_column)

    return label


def labelled_spark_schema(schema: "StructType", model_folder: str | None) -> "StructType":
    """The schema that `mapInArrow` needs to know: the columns of `schema`, then those of the label.

    Args:
        schema: of the frame to label.
        model_folder: as `label_partition` takes it.

    Raises:
        ArtifactError: there is no model here, or it is damaged.
        TableError: a column has a name that one of the label's would take.
    """
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema  # noqa: PLC0415 (workers do without)

    themes = labeller_here(model_folder, None).themes
    return from_arrow_schema(labelled_schema(to_arrow_schema(schema), themes))
