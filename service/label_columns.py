"""The Arrow types of a label's fields: the same in every table that this software writes."""

from collections.abc import Sequence

import pyarrow as pa

from model.labeller import Theme


def label_fields(themes: Sequence[Theme]) -> list[pa.Field]:
    """The columns of `Label.as_record`: themes, primary, scores, uncertain, evidence.

    Args:
        themes: of the model, in its order; each has a field in `scores`.
    """
    term = pa.struct([("text", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float64())])
    evidence = pa.struct(
        [
            ("theme", pa.string()),
            ("text", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("terms", pa.list_(term)),
        ]
    )
    return [
        pa.field("themes", pa.list_(pa.string())),
        pa.field("primary", pa.string()),
        pa.field("scores", pa.struct([(theme.id, pa.float64()) for theme in themes])),
        pa.field("uncertain", pa.list_(pa.string())),
        pa.field("evidence", pa.list_(evidence)),
    ]
