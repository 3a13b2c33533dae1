"""The index, and where the two routes disagree: FORMAT.md, sections 7 and 8."""
from functools import partial

from .container import Container
from .frames import blob
from .suite import at_entry, bad, base, edit, items, one, patched, u32, u64
from .tensors import Tensor


def index() -> None:
    c, size = base(), len(base().encoded())
    tnsr, rawd, chnk = c.find("TNSR"), c.find("RAWD"), c.find("CHNK")
    entry, ptab, indx, end = c.entry("a"), c.ptab.at, c.index.at, c.commit_at
    wrong = partial(edit, c)
    disagree = "routesDisagree"
    bad("tnsr-filter-differs", "verify", disagree, "8", c, c.find("TNSR", 1) + 64 + 3,
        patched(c, c.find("TNSR", 1) + 64 + 3, b"\0"), [entry])
    wrong("entry-tnsr-offset-odd", "open", "invalidIndex routesDisagree invalidFrame", "7",
         entry + 64, u64(tnsr + 1))
    wrong("entry-tnsr-offset-beyond", "open", "invalidIndex routesDisagree", "7", entry + 64,
         u64(1 << 62))
    wrong("block-offset", "verify", disagree + " checksumMismatch", "7", c.block(0),
         u64(rawd + 65), (rawd,), skip=("blocks",))
    wrong("block-offset-beyond", "open", "invalidIndex", "7", c.block(0), u64(size))
    wrong("block-offset-wraps", "open", "invalidIndex", "7", c.block(0), u64((1 << 64) - 4))
    wrong("block-logical", "read", "invalidIndex", "7", c.block(0) + 12, u32(11))
    wrong("block-stored", "read", "invalidIndex", "7", c.block(0) + 8, u32(11))
    wrong("chunk-stored-differs", "verify", disagree, "7", chnk + 16, u64(65535), (indx,))
    wrong("index-gap-names", "verify", "invalidIndex", "7", c.entry("b"), u64(2))
    wrong("index-gap-dimensions", "verify", "invalidIndex invalidTensorRecord", "7", c.entry("b") + 32, u64(0))
    wrong("index-gap-blocks", "verify", "invalidIndex", "7", c.entry("b") + 40, u64(0))
    wrong("index-too-many-blocks", "open", "invalidIndex", "7", entry + 48, u64(1 << 63))
    wrong("index-dimensions-beyond", "open", "invalidIndex", "7", c.entry("d") + 32, u64(1 << 61))
    wrong("index-blocks-beyond", "open", "invalidIndex", "7", c.entry("d") + 40, u64((1 << 64) - 1))
    wrong("ptab-index-offset", "open", "invalidIndex invalidFrame", "7", ptab + 64, u64(tnsr), (tnsr,))
    wrong("ptab-index-bytes", "open", "invalidIndex", "7", ptab + 72, u64(1))
    wrong("ptab-entries", "open", "invalidIndex routesDisagree", "7", ptab + 80, u64(5), (end,))
    wrong("ptab-entries-2-57", "open", "invalidIndex limitExceeded routesDisagree", "7", ptab + 80,
         u64((1 << 57) + 4), (end,))
    wrong("ptab-blocks", "open", "invalidIndex", "7", ptab + 88, u64(4))
    wrong("ptab-dimensions", "open", "invalidIndex", "7", ptab + 96, u64((1 << 61) + 4))
    wrong("ptab-names", "open", "invalidIndex", "7", ptab + 104, u64(5))
    wrong("ptab-pages", "open", "invalidIndex checksumMismatch", "7", ptab + 112, u32(3))
    wrong("ptab-attachments", "open", "invalidIndex", "7", ptab + 116, u32(2))
    wrong("attachment-crc", "open", "routesDisagree checksumMismatch", "7", c.attached_at + 4,
         b"\0\0\0\0", (c.find("META"),), skip=("attached",))
    wrong("attachment-crc-of-blob", "verify", "routesDisagree checksumMismatch", "7",
         c.attached_at + 64 + 4, b"\0\0\0\0", (c.find("BLOB"),), skip=("attached",))
    wrong("attachment-offset", "open", "routesDisagree invalidIndex invalidFrame", "7",
         c.attached_at + 8, u64(c.find("CONF")))
    wrong("attachment-length", "open", "routesDisagree", "7", c.attached_at + 16, u64(5),
          (c.find("META"),))
    wrong("attachment-type", "open", "routesDisagree invalidIndex", "7", c.attached_at, b"TNSR")
    items("attachment-missing", "verify", "routesDisagree", "7", [blob("a", b"x"), *one()],
          lambda d: d.ptab.at + 64 + 52, also=[lambda d: 64], options={"skip_attachments": ("BLOB",)})

    for i, (section, more) in enumerate((("blocks", bytes(32)), ("dimensions", u64(3)),
                                         ("names", b"z"))):
        extra = [b"", b"", b""]
        extra[i] = more
        items(f"index-{section}-left-over", "verify", "invalidIndex", "7", one(), at_entry,
              options={"surplus": extra})
    items("tnsr-missing", "verify", "routesDisagree invalidIndex frameOrder", "8",
          [*one(), Tensor("b", "uint8", (0,), b"", tamper=lambda fs: [])],
          lambda d: d.entry("b") + 64, also=[lambda d: d.find("TNSR")])
    wrong("chunk-number", "verify", "frameOrder invalidFrame routesDisagree", "5", chnk + 28, u32(1))
    d = Container(one())
    at = d.find("RAWD")
    bad("rawd-longer-than-the-tensor", "verify", "routesDisagree invalidFrame", "9", d, at + 8,
        patched(d, at + 8, u64(4) * 2), [d.entries_at])
