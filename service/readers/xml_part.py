"""XML inside office files: parsed without entities, document types or the network."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from service.readers.source import RefusalKind, UnreadableError

Element = Any  # lxml's elements are C classes without a type of their own


def parse_part(data: bytes, name: str) -> Element:
    """The root element of the part `name`.

    Raises:
        UnreadableError: it is no XML, declares a document type (which no office file does, and bombs do), or is nested or long beyond reason.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root: Element = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        reason = str(error.msg or "")
        if any(sign in reason for sign in ("xmlSAX2Characters", "huge", "Excessive depth", "entity", "too long")):
            raise UnreadableError(
                f"文件中的 {name} 大得或嵌套得不像文档，未读取；请检查来源。", RefusalKind.TOO_LARGE
            ) from None
        raise UnreadableError(f"文件已损坏（{name} 不是有效的 XML）；请用原软件打开，另存后再试。") from None
    if root.getroottree().docinfo.doctype:
        raise UnreadableError(f"文件中的 {name} 含有 DTD 声明，正常的文档没有，未读取；请检查来源。")
    return root


def local(element: Element) -> str:
    """The name of `element` without its namespace, of which there are a transitional and a strict one; "" of what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """The attribute of that local name, in whatever namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def child(element: Element | None, *path: str) -> Element | None:
    """The first descendant by local names, one a level."""
    for name in path:
        if element is None:
            return None
        element = next((below for below in element if local(below) == name), None)
    return element


def children(element: Element | None, name: str) -> Iterator[Element]:
    """All children of that local name."""
    return (below for below in (() if element is None else element) if local(below) == name)


def value_of(element: Element | None, *path: str) -> str | None:
    """The attribute `val` of the descendant by local names."""
    found = child(element, *path)
    return None if found is None else attribute(found, "val")


def is_on(element: Element | None, *path: str) -> bool:
    """Whether a switch (`w:vanish`) is there and not turned off."""
    found = child(element, *path)
    return found is not None and attribute(found, "val") not in {"0", "false", "off", "none"}
