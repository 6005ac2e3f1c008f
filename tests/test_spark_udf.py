"""Spark labels as all doors do, and goes on when a worker dies. Needs Java and the extra `spark`: `make test-cluster`."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.errors import ArtifactError
from model.labeller import Labeller
from service.arrow_labelling import TableError, label_batch
from service.spark_udf import label_partition, labelled_spark_schema

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"
ROWS = 4000

needs_spark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not on this machine"),
    pytest.mark.filterwarnings("ignore"),
]


def rows() -> pa.Table:
    texts = [None if row % 100 == 0 else f"第{row}项，{LOAN}" if row % 2 else f"第{row}项" for row in range(ROWS)]
    return pa.table({"id": range(ROWS), "text": texts})


def test_a_partition_is_labelled_batch_by_batch(labeller: Labeller, small_model_folder: Path) -> None:
    label = label_partition(str(small_model_folder), "text")
    batches = rows().to_batches(max_chunksize=1500)
    assert list(label(batches)) == [label_batch(batch, labeller, "text") for batch in batches]
    assert list(label([])) == []


def test_a_model_that_has_changed_under_the_job_fails_it(
    small_model_folder: Path, tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_model_folder, tmp_path / "model")
    label = label_partition(str(folder), "text")
    shutil.rmtree(folder)
    shutil.copytree(tiny_model_folder, folder)
    assert list(label(rows().to_batches())), "what this process has loaded stays"
    from service import worker_model  # noqa: PLC0415 (as a worker that has loaded nothing yet)

    worker_model._LOADED.clear()
    with pytest.raises(ArtifactError, match="工作进程的模型是"):
        list(label(rows().to_batches()))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Spark session of two cores in which a task may fail three times."""
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install 'policy-themes[spark]'")
    folder = tmp_path_factory.mktemp("spark")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2,4]").appName("policy-themes")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "4",
        "spark.log.level": "OFF",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


class TestSpark:
    """One session for all, since it takes its time to start."""

    pytestmark = needs_spark

    def test_labels_are_those_of_the_local_function(
        self, spark: Any, labeller: Labeller, small_model_folder: Path, tmp_path: Path
    ) -> None:
        pq.write_table(rows(), tmp_path / "in.parquet")
        frame = spark.read.parquet(str(tmp_path / "in.parquet")).repartition(4)
        schema = labelled_spark_schema(frame.schema, str(small_model_folder))
        labelled = frame.mapInArrow(label_partition(str(small_model_folder), "text"), schema)
        labelled.write.parquet(str(tmp_path / "out"))
        assert (tmp_path / "out" / "_SUCCESS").exists()
        found = pq.read_table(tmp_path / "out").sort_by("id")
        (batch,) = rows().combine_chunks().to_batches()
        assert found.to_pylist() == label_batch(batch, labeller, "text").to_pylist()

    def test_a_killed_worker_costs_nothing(self, spark: Any, small_model_folder: Path, tmp_path: Path) -> None:
        flag = tmp_path / "killed"
        label = label_partition(str(small_model_folder), "text")

        def label_or_die(batches: Any) -> Any:
            for batch in label(batches):
                yield batch
                if not flag.exists():
                    flag.touch()
                    os.kill(os.getpid(), signal.SIGKILL)

        frame = spark.range(ROWS, numPartitions=4).selectExpr("id", "concat('第', id, '项') as text")
        schema = labelled_spark_schema(frame.schema, str(small_model_folder))
        frame.mapInArrow(label_or_die, schema).write.parquet(str(tmp_path / "out"))
        assert flag.exists()
        found = pq.read_table(tmp_path / "out")
        assert sorted(found.column("id").to_pylist()) == list(range(ROWS))
        assert found.column("label_error").null_count == ROWS

    def test_a_column_that_would_be_written_over_is_refused(self, spark: Any, small_model_folder: Path) -> None:
        frame = spark.range(1).selectExpr("id as themes")
        with pytest.raises(TableError, match="themes"):
            labelled_spark_schema(frame.schema, str(small_model_folder))
