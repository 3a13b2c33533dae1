#!/usr/bin/env python3
"""Writes Fixtures/sha256/openssl.json: the SHA-256 of messages of many lengths and alignments.

hashlib's SHA-256 is OpenSSL's. A message is a part of one long text, whose byte i is the top byte of the 32-bit product
of i and 2,654,435,761. `lengths` are messages from byte 0 on; `starts` are of the length given with them, from byte
0, 1, ... 63 on; each has the digests one after the other, as hexadecimal.
"""
import hashlib
import json
import os

MEBIBYTE = 1 << 20
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sha256", "openssl.json")


def text(count: int) -> bytes:
    return bytes((i * 2_654_435_761 & 0xFFFFFFFF) >> 24 for i in range(count))


def digest(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()


def main() -> None:
    lengths = list(range(301))
    for blocks in (8, 16, 100, 1024):
        lengths += [64 * blocks + by for by in (-9, -8, -1, 0, 1)]
    lengths += [MEBIBYTE + by for by in (-65, -64, -63, -9, -8, -1, 0, 1, 63, 64, 65)]
    bytes_ = text(MEBIBYTE + 128)
    content = {
        "lengths": [[n, digest(bytes_[:n])] for n in lengths],
        "starts": [[n, "".join(digest(bytes_[s:s + n]) for s in range(64))]
                   for n in (1, 55, 56, 64, 119, 120, 128, 1000)],
    }
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(content, out, indent=0)
        out.write("\n")


if __name__ == "__main__":
    main()
