"""`policy-serve`: serves the labeller over HTTP."""

import argparse
import io
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import uvicorn
from rich.console import Console

from model.errors import ArtifactError
from model.labeller import active_path
from service.app import create_app
from service.default_model import find_labeller

_NO_MODEL = 4  # as policy-label


def build_parser() -> argparse.ArgumentParser:
    """The options of `policy-serve`."""
    parser = argparse.ArgumentParser(prog="policy-serve", description="启动段落主题标注的 HTTP 服务。")
    parser.add_argument("--host", default="127.0.0.1", help="监听地址（默认 %(default)s，只供本机访问）")
    parser.add_argument("--port", type=_port, default=8000, help="监听端口（默认 %(default)s）")
    parser.add_argument("--model", type=Path, metavar="文件夹", help="模型文件夹（默认使用本机的默认模型）")
    parser.add_argument(
        "--version", action="version", version=f"policy-themes {version('policy-themes')} ({active_path()})"
    )
    return parser


def _port(text: str) -> int:
    if re.fullmatch("[0-9]{1,5}", text) is None or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"端口应当是 0 到 65535 的整数，不是 {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `policy-serve` until it is stopped; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # as policy-label
    options = build_parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    try:
        labeller = find_labeller(options.model, lambda sentence: console.print(sentence, markup=False))
    except ArtifactError as error:
        console.print(f"错误：{error}", style="red", markup=False)
        return _NO_MODEL
    console.print(f"模型 {labeller.version} 已装入。接口文档：http://{options.host}:{options.port}/docs", markup=False)
    uvicorn.run(create_app(labeller), host=options.host, port=options.port, log_level="info")
    return 0


if __name__ == "__main__":
    sys.exit(main())
