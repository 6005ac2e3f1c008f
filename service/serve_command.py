"""`policy-serve`: serves the labeller over HTTP."""

import argparse
import io
import re
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from model.errors import ArtifactError
from model.store import ModelStore
from service.api_keys import ApiKeyError, ApiKeys, Role, entry_line, new_key
from service.app import create_app
from service.default_model import find_labeller, model_folder
from service.logs import set_up_logs
from service.model_registry import FolderSource, ModelRegistry, StoreSource
from service.server import Server, living
from service.settings import PREFIX, Settings, SettingsError, read_settings, unknown_settings
from service.version_option import VersionOption

_BAD_COMMAND = 2
_NO_MODEL = 4  # as policy-label
_CANNOT_LISTEN = 1
_BACKLOG = 2048


def build_parser() -> argparse.ArgumentParser:
    """The options of `policy-serve`."""
    lines = [f"  {PREFIX}{name.upper()}  {field.description}" for name, field in Settings.model_fields.items()]
    parser = argparse.ArgumentParser(
        prog="policy-serve",
        description="启动段落主题标注的 HTTP 服务。",
        epilog="环境变量（命令行选项优先）：\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="监听地址（默认 127.0.0.1，只供本机访问）")
    parser.add_argument("--port", type=_port, help="监听端口（默认 8000；0 由系统选）")
    parser.add_argument("--workers", type=int, metavar="N", help="进程数（默认 1）")
    models = parser.add_mutually_exclusive_group()
    models.add_argument("--model", type=Path, metavar="文件夹", help="模型文件夹（默认使用本机的默认模型）")
    models.add_argument(
        "--store", type=Path, metavar="文件夹", help="模型库（policy-train release 写入），换模型不用重启"
    )
    parser.add_argument("--version", action=VersionOption)
    commands = parser.add_subparsers(title="命令", metavar="命令")
    keys = commands.add_parser("keys", help="管理密钥").add_subparsers(metavar="命令", required=True)
    new = keys.add_parser("new", help="生成一个密钥和它的散列；只有散列写进设置或密钥文件")
    new.add_argument("--name", default="key", help="名称，出现在日志里（默认 %(default)s）")
    new.add_argument("--role", type=Role, choices=list(Role), default=Role.USER, help="角色（默认 %(default)s）")
    new.set_defaults(run=_new_key)
    parser.set_defaults(run=_serve)
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
        code: int = options.run(options, console)
    except ArtifactError as error:
        console.print(f"错误：{error}", style="red", markup=False)
        return _NO_MODEL
    except (SettingsError, ApiKeyError) as error:
        console.print(f"错误：{error}", style="red", markup=False)
        return _BAD_COMMAND
    return code


def _new_key(options: argparse.Namespace, _console: Console) -> int:
    key, digest = new_key()
    line = entry_line(options.name, options.role, digest)
    print(f"密钥（只显示这一次，交给使用者）：{key}")
    print(f"写进密钥文件（{PREFIX}API_KEYS_FILE）或 {PREFIX}API_KEYS：{line}")
    return 0


def _serve(options: argparse.Namespace, console: Console) -> int:
    for name in unknown_settings():
        console.print(f"注意：不认识环境变量 {name}，没有使用它。", style="yellow", markup=False)
    settings = read_settings(host=options.host, port=options.port, workers=options.workers, store=options.store)
    if options.model is not None:
        settings = settings.model_copy(update={"store": None})
    ApiKeys(settings.api_keys, settings.api_keys_file)
    models = _open_models(settings, options.model, console)
    set_up_logs(settings.log)
    address = partial(_tell_address, console, models.current.version)
    if settings.workers == 1:
        app = create_app(models, settings, lifespan=living)
        Server(app, settings, address).run()
        return 0
    from service.supervisor import Supervisor  # noqa: PLC0415 (only several processes need it)

    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        console.print(
            f"错误：不能监听 {settings.host}:{settings.port}（{error.strerror}）。", style="red", markup=False
        )
        return _CANNOT_LISTEN
    with listening:
        address(f"http://{settings.host}:{listening.getsockname()[1]}")
        work = partial(_serve_beside_others, settings, options.model, listening)
        return Supervisor(work, settings.workers, end_seconds=settings.drain_seconds + settings.shutdown_seconds).run()


def _open_models(settings: Settings, folder: Path | None, console: Console) -> ModelRegistry:
    if settings.store is not None:
        return ModelRegistry.of(StoreSource(ModelStore(settings.store)))
    labeller = find_labeller(folder, lambda sentence: console.print(sentence, markup=False))
    return ModelRegistry(labeller, FolderSource(model_folder(folder)))


def _serve_beside_others(settings: Settings, folder: Path | None, listening: socket.socket) -> None:
    """What each of several processes does."""
    set_up_logs(settings.log)
    models = _open_models(settings, folder, Console(stderr=True, quiet=True))
    Server(create_app(models, settings, lifespan=living), settings).run([listening])


def _tell_address(console: Console, model: str, url: str) -> None:
    console.print(f"模型 {model} 已装入。接口文档：{url}/docs", markup=False)
    console.print(f"Service running on {url}（Ctrl+C 停止）", markup=False)


if __name__ == "__main__":
    sys.exit(main())
