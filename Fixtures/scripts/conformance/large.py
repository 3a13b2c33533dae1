"""Files over 64 KB, which are made at run time: most of them at a limit of section 16 or above it."""
from collections.abc import Callable, Iterator
from typing import Any

from .container import Container
from .deflate import stored_then_zeros
from .frames import Frame, blob, conf, meta
from .suite import expected, one
from .tensors import CHUNKED, Tensor, noise

MIB = 1 << 20


def files() -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """(name, entry of the manifest, bytes), one at a time: some have over 256 MB."""
    for name, section, make in VALID:
        container = make()
        yield f"ok-{name}.cairn", {"expect": "accept", "section": section,
                                   "content": expected(container)}, container.encoded()
    for name, codes, section, make, find in INVALID:
        container, change = make(), None
        if isinstance(container, tuple):
            container, change = container
        data = container.encoded() if change is None else change(container)
        places = [container.record_of(at, len(data)) for at in find(container)]
        yield f"bad-{name}.cairn", {"expect": "refuse", "codes": codes.split(), "section": section,
                                    "within": places}, data


def stored(size: int) -> Tensor:
    """A stream of one stored block, and then enough zeros that coding it is worth it."""
    data = noise(size, 3) + bytes(20000)
    return Tensor("a", "uint8", (len(data),), data, CHUNKED, coder=stored_then_zeros(size))


def metadata(size: int) -> Frame:
    """META of so many bytes."""
    return meta([("k", "bytes", bytes(size - 4 - 2 - 1 - 1 - 4))])


def many_blobs(count: int) -> Container:
    return Container([blob(f"{i:05x}", b"") for i in range(count)])


def raw(size: int) -> Tensor:
    return Tensor("a", "uint8", (size,), noise(size, size % 1000))


def two_pages() -> Container:
    """An index of 72 KB: 70 names of 900 bytes, one of which straddles the pages."""
    return Container([Tensor(f"t{i:02}" + "x" * 900, "uint8", (0,), b"") for i in range(70)])


def flipped(find: Callable[[Container], int]) -> Callable[[Container], bytes]:
    """A change of one bit without any repair."""
    def change(c: Container) -> bytes:
        data = bytearray(c.encoded())
        data[find(c)] ^= 1
        return bytes(data)
    return change


VALID: list[tuple[str, str, Callable[[], Container]]] = [
    ("aligned-65536", "9", lambda: Container(one(), align=16)),
    ("raw-one-block", "7 9", lambda: Container([raw(MIB)])),
    ("raw-two-blocks", "7 9 15", lambda: Container([raw(MIB + 1)], digests=True)),
    ("chunk-of-two-segments", "10 15", lambda: Container(
        [Tensor("a", "uint8", (3 * MIB,), noise(2 * MIB) + bytes(MIB), CHUNKED)], chunk=22,
        digests=True)),
    ("longest-stored-block", "10", lambda: Container([stored(65535)], chunk=17)),
    ("index-of-two-pages", "7", two_pages),
    ("limit-note-65535-bytes", "16", lambda: Container([Frame("nOTe", b"n" * 65535)])),
    ("limit-note-65536-bytes", "16", lambda: Container([Frame("nOTe", b"n" * 65536)])),
    ("limit-generator-65536-bytes", "16", lambda: Container([Frame("gENR", b"n" * 65536)])),
    ("limit-metadata-16-MiB", "16", lambda: Container([metadata(16 * MIB)])),
    ("limit-configuration-16-MiB", "16", lambda: Container(
        [conf('"' + "c" * (16 * MIB - 2) + '"')])),
    ("limit-blob-256-MiB", "16", lambda: Container([blob("b" * 1024, bytes(256 * MIB))])),
    ("limit-attachments-65535", "16", lambda: many_blobs(65535)),
    ("limit-attachments-65536", "16", lambda: many_blobs(65536)),
]

INVALID: list[tuple[str, str, str, Callable[[], Any], Callable[[Container], list[int]]]] = [
    ("raw-second-block", "checksumMismatch routesDisagree", "9", lambda: (
        Container([raw(MIB + 1)]), flipped(lambda c: c.find("RAWD") + 64 + MIB)),
     lambda c: [c.find("RAWD")]),
    ("second-page-of-the-index", "checksumMismatch", "7", lambda: (
        two_pages(), flipped(lambda c: c.entries_at + 65536 + 5)), lambda c: [c.entries_at]),
    ("limit-note-65537-bytes", "limitExceeded", "16",
     lambda: Container([Frame("nOTe", b"n" * 65537)]), lambda c: [64]),
    ("limit-generator-65537-bytes", "limitExceeded", "16",
     lambda: Container([Frame("gENR", b"n" * 65537)]), lambda c: [64]),
    ("limit-metadata-16-MiB-and-1", "limitExceeded", "16",
     lambda: Container([metadata(16 * MIB + 1)]), lambda c: [64, c.ptab.at]),
    ("limit-configuration-16-MiB-and-1", "limitExceeded", "16",
     lambda: Container([conf('"' + "c" * (16 * MIB - 1) + '"')]), lambda c: [64, c.ptab.at]),
    ("limit-blob-256-MiB-and-1", "limitExceeded", "16",
     lambda: Container([blob("b", bytes(256 * MIB + 1))]), lambda c: [64, c.ptab.at]),
    ("limit-attachments-65537", "limitExceeded", "16", lambda: many_blobs(65537),
     lambda c: [c.ptab.at]),
]
