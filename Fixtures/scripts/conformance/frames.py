"""Frames and what they hold: FORMAT.md, sections 5, 13 and 14."""
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from .tensors import sealed


class Frame:
    at: int  # where a container puts it
    # Of metadata and blobs: what they were made of.
    pairs: Sequence[tuple[str | bytes, str, Any]]
    name: bytes
    content: bytes

    def __init__(self, kind: str, payload: bytes = b"", flags: int = 0, version: int = 1, logical: int | None = None,
                 ordinal: int = 0, number: int = 0) -> None:
        self.kind, self.payload, self.flags, self.version = kind, payload, flags, version
        self.logical = len(payload) if logical is None else logical
        self.ordinal, self.number, self.at = ordinal, number, 0
        self.crc = self.check = 0  # xored to what is right
        self.rest = b""  # what stands in the reserved bytes

    def next(self) -> int:
        return self.at + 64 + (len(self.payload) + 63) // 64 * 64

    def encoded(self) -> bytes:
        crc = self.crc ^ (0 if self.flags & 1 else zlib.crc32(self.payload))
        head = struct.pack("<4sHHQQIII24s", self.kind.encode(), self.version, self.flags,
                           len(self.payload), self.logical, self.ordinal, self.number, crc,
                           self.rest)
        return sealed(head, self.check) + self.payload + bytes(-len(self.payload) % 64)


def meta(pairs: Sequence[tuple[str | bytes, str, Any]], count: int | None = None) -> Frame:
    """pairs: (key, type, value), the value already a list where the type ends in []."""
    kinds = {"bool": 1, "i64": 2, "u64": 3, "f64": 4, "string": 5, "bytes": 6}

    def one(kind: str, v: Any) -> bytes:
        if kind == "bool":
            return bytes([v])
        if kind in ("i64", "u64"):
            return struct.pack("<q" if kind == "i64" else "<Q", v)
        if kind == "f64":  # given as its 64 bits
            return struct.pack("<Q", v)
        data: bytes = v.encode() if isinstance(v, str) else v
        return struct.pack("<I", len(data)) + data

    out = bytearray(struct.pack("<I", len(pairs) if count is None else count))
    for key, kind, value in pairs:
        key = key.encode() if isinstance(key, str) else key
        plain = kind.removesuffix("[]")
        values = value if kind != plain else [value]
        out += struct.pack("<H", len(key)) + key
        out += bytes([kinds[plain] + (128 if kind != plain else 0)])
        out += struct.pack("<I", len(values)) if kind != plain else b""
        out += b"".join(one(plain, v) for v in values)
    frame = Frame("META", bytes(out))
    frame.pairs = pairs
    return frame


def conf(text: str | bytes) -> Frame:
    return Frame("CONF", text.encode() if isinstance(text, str) else text)


def blob(name: str | bytes, content: bytes, length: int | None = None) -> Frame:
    name = name.encode() if isinstance(name, str) else name
    frame = Frame("BLOB", struct.pack("<H", len(name) if length is None else length) + name
                  + content)
    frame.name, frame.content = name, content
    return frame
