"""How far two people who labelled the same records agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from sklearn.metrics import cohen_kappa_score, f1_score

from model.errors import DataError

AGREEMENT_FILE = "agreement.jsonl"


class DoubleLabel(BaseModel):
    """A record that a second person labelled without seeing the first labels.

    `settled` holds the themes after the disagreement, if any, was settled; primaries stand for paragraphs only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    first: list[str]
    second: list[str]
    settled: list[str]
    first_primary: str | None = None
    second_primary: str | None = None


@dataclass(frozen=True, slots=True)
class ThemeAgreement:
    """F1 of the second labels against the first, Cohen's kappa, and how many records either gives the theme."""

    f1: float
    kappa: float
    records: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement over all records; `exact` is the share whose whole set of themes is the same, `primary` the same of paragraphs' primaries."""

    records: int
    exact: float
    primary: float
    themes: dict[str, ThemeAgreement]


def read_double_labels(data_folder: Path) -> list[DoubleLabel]:
    """Read the records labelled twice.

    Raises:
        DataError: the file is missing or a line of it is wrong.
    """
    path = data_folder / AGREEMENT_FILE
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except OSError as error:
        raise DataError(f"不能读取 {path}（{error.strerror}）。") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} 不是 UTF-8 编码（第 {error.start + 1} 个字节）。") from None
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(DoubleLabel.model_validate_json(line))
        except ValidationError as error:
            raise DataError(f"{path} 第 {number} 行：{error.errors(include_url=False)[0]['msg']}") from None
    return records


def measure_agreement(records: Sequence[DoubleLabel], theme_ids: Sequence[str]) -> Agreement:
    """Agreement of the first and the second labels."""
    first = np.array([[theme in record.first for theme in theme_ids] for record in records])
    second = np.array([[theme in record.second for theme in theme_ids] for record in records])
    paragraphs = [record for record in records if record.first_primary is not None]
    return Agreement(
        records=len(records),
        exact=float((first == second).all(axis=1).mean()),
        primary=float(np.mean([record.first_primary == record.second_primary for record in paragraphs])),
        themes={
            theme: ThemeAgreement(
                f1=float(f1_score(first[:, index], second[:, index], zero_division=1.0)),
                kappa=float(cohen_kappa_score(first[:, index], second[:, index])),
                records=int((first[:, index] | second[:, index]).sum()),
            )
            for index, theme in enumerate(theme_ids)
        },
    )
