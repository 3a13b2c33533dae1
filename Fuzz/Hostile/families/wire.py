"""The words that binary formats are made of."""
import io
import json
import struct
import sys
import warnings
import zipfile

# Names come twice on purpose.
warnings.filterwarnings("ignore", message="Duplicate name")
# Python's own writer of JSON is recursive.
sys.setrecursionlimit(30_000)


def u8(v):
    return bytes([v & 0xFF])


def u16(v):
    return struct.pack("<H", v & 0xFFFF)


def u32(v):
    return struct.pack("<I", v & 0xFFFF_FFFF)


def u64(v):
    return struct.pack("<Q", v & (2**64 - 1))


def varint(v):
    v &= 2**64 - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def number(field, v):
    """A field of a protocol buffer that is a number."""
    return varint(field << 3) + varint(v)


def message(field, content):
    """A field of a protocol buffer that has a length."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(v):
    return v if isinstance(v, bytes) else v.encode(errors="surrogatepass")


def archive(members, deflated=True, level=6):
    """A ZIP archive; members are pairs, and a name may come twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zip_file:
        for name, data in members:
            info = zipfile.ZipInfo(name.replace("\0", "_") or "_", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
            zip_file.writestr(info, data, compresslevel=level)
    return out.getvalue()


def dumped(value):
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


def quoted(name):
    return json.dumps(name, ensure_ascii=False)


def nested(opening, closing, depth, core=""):
    return (opening * depth + core + closing * depth).encode()
