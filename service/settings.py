"""Settings of the HTTP service: from the environment, all with one prefix, checked before anything starts."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model.artifact import MODEL_VARIABLE
from model.errors import PolicyThemesError
from model.labeller import PATH_VARIABLE

PREFIX = "POLICY_THEMES_"
_READ_ELSEWHERE = {MODEL_VARIABLE, PATH_VARIABLE}
_LONGEST_SHOWN = 60


class SettingsError(PolicyThemesError):
    """A setting has a value that it cannot have; the message names it."""


def _default_feedback() -> Path:
    return user_data_path("policy-themes") / "feedback.sqlite3"


_Names = Annotated[tuple[str, ...], NoDecode]
_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseSettings):
    """What an operator may set; each field is an environment variable, its name in capitals after `POLICY_THEMES_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: str = Field(default="127.0.0.1", description="监听地址")
    port: int = Field(default=8000, ge=0, le=65_535, description="监听端口；0 由系统选")
    workers: int = Field(default=1, ge=1, le=64, description="进程数；共用映射到内存的模型和反馈库")
    store: Path | None = Field(default=None, description="模型库文件夹（policy-train release 写入），换模型不用重启")
    reload_seconds: _Seconds = Field(default=2.0, description="多久看一次有没有新发布的模型")
    feedback: Path = Field(default_factory=_default_feedback, description="反馈库（SQLite 文件）")
    feedback_mib: int = Field(default=1024, ge=1, le=1_048_576, description="反馈库最大多少 MiB")

    api_keys: str = Field(default="", description="密钥的散列，逗号分隔，每个形如 名称:角色:散列")
    api_keys_file: Path | None = Field(default=None, description="同上，每行一个；改动后自动重读")
    rate_limit: int = Field(default=0, ge=0, description="每个密钥（无密钥时每个地址）每分钟最多多少个请求；0 为不限")
    cors_origins: _Names = Field(
        default=(), description="允许跨站使用的来源，逗号分隔，例如 https://a.example；默认没有"
    )
    hosts: _Names = Field(default=(), description="请求头 Host 只能是这些名称，逗号分隔；默认不限")

    body_mib: int = Field(default=16, ge=1, le=1024, description="JSON 请求正文最大多少 MiB")
    upload_mib: int = Field(default=64, ge=1, le=4096, description="上传的文件最大多少 MiB")
    stream_mib: int = Field(default=256, ge=1, le=65_536, description="逐行送来的（NDJSON）最大多少 MiB")
    buffered_mib: int = Field(default=256, ge=1, le=65_536, description="所有正在接收的 JSON 正文合计最大多少 MiB")
    body_seconds: _Seconds = Field(default=60.0, description="一个请求的正文最多传多久")
    idle_seconds: _Seconds = Field(default=10.0, description="请求头要在这之内到齐；正文两块之间最多隔多久")
    most_connections: int = Field(default=1_000, ge=1, le=100_000, description="每个进程最多多少个连接")

    slots: int = Field(default=2, ge=1, le=256, description="每个进程同时处理多少个大的请求")
    queue: int = Field(default=64, ge=0, le=10_000, description="另有多少个可以排队；再多就答 503")
    queue_seconds: _Seconds = Field(default=10.0, description="排队最多等多久")
    streams: int = Field(default=16, ge=1, le=1_000, description="每个进程同时处理多少个逐行送来的请求")
    readers: int = Field(default=1, ge=1, le=64, description="每个进程用几个子进程读取上传的文件")

    drain_seconds: float = Field(
        default=1.0, ge=0, le=3600, description="收到停止信号后，readyz 先答 503 多久再关闭端口"
    )
    shutdown_seconds: _Seconds = Field(default=30.0, description="关闭端口后，正在处理的请求最多再等多久")
    log: Literal["auto", "json", "text"] = Field(
        default="auto", description="日志格式；auto 在终端上为 text，否则 json"
    )

    @field_validator("cors_origins", "hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", origin) is None:
                raise ValueError("来源形如 https://a.example，没有路径，也不能是 *")
        return value


def read_settings(**chosen: object) -> Settings:
    """The settings of the environment, but for those that the command line has `chosen`; None there is no choice.

    Raises:
        SettingsError: one sentence for each value that cannot be.
    """
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("".join(_sentence(dict(item)) for item in error.errors())) from None


def _sentence(error: dict[str, Any]) -> str:
    name, limits = str(error["loc"][0]), error.get("ctx", {})
    match error["type"]:
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            words = {"ge": "不小于", "le": "不大于", "gt": "大于", "lt": "小于"}
            wanted = "、".join(f"{words[key]} {value:g}" for key, value in limits.items() if key in words)
        case "int_parsing" | "int_type" | "int_from_float":
            wanted = "整数"
        case "float_parsing" | "float_type" | "finite_number":
            wanted = "数"
        case "literal_error":
            wanted = str(limits["expected"]).replace(" or ", "、")
        case _:
            wanted = f"有效的值（{error['msg']}）"
    shown = str(error["input"])[:_LONGEST_SHOWN]
    return f"设置 {PREFIX}{name.upper()} 应当是{wanted}，不是 {shown!r}。"


def unknown_settings() -> list[str]:
    """Variables of the environment that have the prefix and mean nothing: most are misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _READ_ELSEWHERE
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
