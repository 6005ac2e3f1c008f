"""Who may ask: keys, other sites' pages, and how often."""

import base64
import binascii
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api_keys import ApiKeys, Caller, Role
from service.problems import ProblemError, ProblemKind, answer_to
from service.rate_limit import RateLimit

_CALLER = "policy_themes.caller"
BEARER = 'Bearer realm="policy-themes"'
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({b"same-origin", b"none"})


class Access:
    """ASGI middleware: lets through who has a key, where keys are asked for; health answers go to everyone.

    It judges by the path as the server read it (`scope["path"]`), never by what a header says of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: ApiKeys,
        rate: RateLimit,
        open_paths: frozenset[str],
        origins: frozenset[str],
        hosts: frozenset[str],
    ) -> None:
        """Stand before `app`.

        Args:
            app: what is behind.
            keys: the good ones.
            rate: how often each caller may ask.
            open_paths: those that everyone may ask, always.
            origins: of other sites whose pages may send more than reading requests.
            hosts: names that the service answers to; empty for any.
        """
        self._app = app
        self._keys = keys
        self._rate = rate
        self._open_paths = open_paths
        self._origins = origins
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            try:
                self._judge(scope)
            except ProblemError as problem:
                await answer_to(problem, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _judge(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts and (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            raise ProblemError(ProblemKind.UNKNOWN_HOST, "请求头 Host 不是这个服务的名称。")
        if scope["method"] not in _SAFE_METHODS:
            self._check_site(headers, host)
        who = scope["client"][0] if scope.get("client") else ""
        if self._keys.required:
            caller = self._keys.caller(_key_of(headers))
            if caller is None:
                challenge = {"www-authenticate": _challenge(scope["method"], headers)}
                detail = "请在请求头 Authorization: Bearer 或 X-API-Key 里给出密钥；浏览器里把密钥填作密码。"
                raise ProblemError(ProblemKind.UNAUTHENTICATED, detail, challenge)
            scope[_CALLER] = caller
            who = f"key {caller.name}"
        seconds = self._rate.wait(who)
        if seconds:
            detail = f"请求过于频繁；请 {seconds} 秒后重试。"
            raise ProblemError(ProblemKind.TOO_MANY_REQUESTS, detail, {"retry-after": str(seconds)})

    def _check_site(self, headers: dict[bytes, bytes], host: str) -> None:
        """A page of another site, shown in a browser that has our key or our network, must not act here."""
        origin = headers.get(b"origin")
        if origin is not None:
            told = origin.decode("latin-1")
            if told not in self._origins and urlsplit(told).netloc != host:
                raise ProblemError(ProblemKind.CROSS_SITE, "不接受其他网站的页面发来的请求。")
        elif headers.get(b"sec-fetch-site", b"none") not in _OWN_SITE:
            raise ProblemError(ProblemKind.CROSS_SITE, "不接受其他网站的页面发来的请求。")


def _challenge(method: str, headers: dict[bytes, bytes]) -> str:
    """A browser that opens an address asks its user where it may answer with Basic; for a script of our page it must not."""
    opened = method == "GET" and b"text/html" in headers.get(b"accept", b"")
    return BEARER + (', Basic realm="policy-themes"' if opened else "")


def has_key(request: Request, keys: ApiKeys) -> bool:
    """Whether a request to one of the open paths could go on elsewhere: it brings a good key, or none is asked for."""
    return not keys.required or keys.caller(_key_of(dict(request.scope["headers"]))) is not None


def caller_of(scope: Scope) -> Caller | None:
    """Who sent a request; None where no keys are asked for."""
    caller: Caller | None = scope.get(_CALLER)
    return caller


def require_admin(request: Request, *, open_without_keys: bool) -> None:
    """Let only an admin go on.

    Args:
        request: the one at hand.
        open_without_keys: whether everyone may where no keys are asked for at all.

    Raises:
        ProblemError: the caller may not.
    """
    caller = caller_of(request.scope)
    if caller is None and open_without_keys:
        return
    if caller is None or caller.role is not Role.ADMIN:
        raise ProblemError(
            ProblemKind.FORBIDDEN, "此操作需要 admin 角色的密钥；用 policy-serve keys new --role admin 生成。"
        )


def _key_of(headers: dict[bytes, bytes]) -> str:
    scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":  # what browsers and Label Studio send: the password is the key
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return headers.get(b"x-api-key", b"").decode("latin-1")
