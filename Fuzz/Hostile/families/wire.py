"""The words that binary formats are made of."""
import io
import json
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterable
from typing import Any

# Names come twice on purpose.
warnings.filterwarnings("ignore", message="Duplicate name")
# Python's own writer of JSON is recursive.
sys.setrecursionlimit(30_000)


def u8(v: int) -> bytes:
    return bytes([v & 0xFF])


def u16(v: int) -> bytes:
    return struct.pack("<H", v & 0xFFFF)


def u32(v: int) -> bytes:
    return struct.pack("<I", v & 0xFFFF_FFFF)


def u64(v: int) -> bytes:
    return struct.pack("<Q", v & (2**64 - 1))


def varint(v: int) -> bytes:
    v &= 2**64 - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def number(field: int, v: int) -> bytes:
    """A field of a protocol buffer that is a number."""
    return varint(field << 3) + varint(v)


def message(field: int, content: bytes) -> bytes:
    """A field of a protocol buffer that has a length."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(v: str | bytes) -> bytes:
    return v if isinstance(v, bytes) else v.encode(errors="surrogatepass")


def archive(members: Iterable[tuple[str, bytes]], deflated: bool = True, level: int = 6) -> bytes:
    """A ZIP archive; members are pairs, and a name may come twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zip_file:
        for name, data in members:
            info = zipfile.ZipInfo(name.replace("\0", "_") or "_", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
            zip_file.writestr(info, data, compresslevel=level)
    return out.getvalue()


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


def quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def nested(opening: str, closing: str, depth: int, core: str = "") -> bytes:
    return (opening * depth + core + closing * depth).encode()
