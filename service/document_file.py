"""The answer to a document as a file: workbook, report page, CSV, rows."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from service.document_labelling import DocumentPart, LabelledParagraph
from service.documents import Refusal
from service.outputs import open_output
from service.run import Run

FILE_SUFFIXES = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "text/html": ".html",
    "text/csv": ".csv",
    "application/x-ndjson": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
}
"""The ending of the file for each media type that an answer may have besides JSON."""
_CHUNK = 256 * 1024


class DocumentFile:
    """A file of results in a folder of its own, which goes when the file was sent."""

    def __init__(self, run: Run, media_type: str) -> None:
        """Make room for the results of `run` as `media_type`, one of `FILE_SUFFIXES`."""
        self._run = run
        self._folder = Path(tempfile.mkdtemp(prefix="policy-themes-"))
        self._path = self._folder / f"result{FILE_SUFFIXES[media_type]}"
        self.empty = True

    @property
    def refusals(self) -> list[Refusal]:
        """What could not be read or labelled."""
        return self._run.refusals

    def fill(self, parts: Iterable[DocumentPart]) -> None:
        """Write all `parts`.

        Raises:
            OutputError: the file cannot be written.
        """
        with open_output(self._path, self._run) as write:
            for part in parts:
                if isinstance(part, Refusal):
                    self._run.refusals.append(part)
                    continue
                self.empty = False
                if isinstance(part, LabelledParagraph):
                    write(part.row)

    def headers(self, name: str) -> dict[str, str]:
        """Length, what to save it as (`name` is the document's), and how much is not in it."""
        saved = f"{Path(name).stem or 'document'}-标注{self._path.suffix}"
        return {
            "content-length": str(self._path.stat().st_size),
            "content-disposition": f"attachment; filename=\"result{self._path.suffix}\"; filename*=UTF-8''{quote(saved)}",
            "x-policy-themes-refusals": str(len(self._run.refusals)),
        }

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file."""
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def close(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self._folder, ignore_errors=True)
