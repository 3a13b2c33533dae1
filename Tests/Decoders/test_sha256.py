#!/usr/bin/env python3
"""Holds Cairn's SHA-256, compiled from Sources/CCairnKernels, against hashlib's, which is OpenSSL's.

    test_sha256.py [--messages COUNT] [--seed SEED]

In each way that the machine has, COUNT messages of generated lengths, from generated addresses, several at once, and a
tenth as many in parts of generated sizes. Where there is no AVX-512, the vectors of sixteen lanes are compiled for AVX2:
the same source, other instructions. The C compiler is `cc`, or what CC says.
"""
import argparse
import ctypes
import glob
import hashlib
import os
import random
import subprocess
import sys
import tempfile

KERNELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Sources", "CCairnKernels")
WAYS = ["plain C", "SHA-NI", "AVX2", "AVX-512", "ARMv8"]
AVX2, AVX512 = 2, 3
MOST_AT_ONCE = 40
TEXT_BYTES = 1 << 20


class Hash(ctypes.Structure):
    """`cairn_sha256_hash`."""
    _fields_ = [("state", ctypes.c_uint32 * 8), ("count", ctypes.c_uint64), ("rest", ctypes.c_uint8 * 64),
                ("way", ctypes.c_int32)]


def compiled(folder: str, *options: str) -> ctypes.CDLL:
    """The kernels of SHA-256 as a library."""
    path = os.path.join(folder, f"sha256{len(options)}.so")
    compiler = os.environ.get("CC", "cc").split()
    # `_Nonnull` and `_Nullable` are clang's; the code itself is for any compiler.
    nullability = [] if "clang" in subprocess.run(
        compiler + ["--version"], capture_output=True, text=True, check=True).stdout else ["-D_Nonnull=", "-D_Nullable="]
    subprocess.run(
        compiler + ["-O2", "-fPIC", "-shared", "-I" + os.path.join(KERNELS, "include"), "-o", path]
        + nullability + list(options) + sorted(glob.glob(os.path.join(KERNELS, "SHA256*.c"))), check=True)
    library = ctypes.CDLL(path)
    library.cairn_sha256_many.argtypes = [
        ctypes.c_int32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    library.cairn_sha256_many.restype = None
    library.cairn_sha256_update.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    library.cairn_sha256_update.restype = None
    return library


def generated_length(chance: random.Random) -> int:
    """Mostly short, often around a whole number of blocks, sometimes long."""
    kind = chance.random()
    if kind < 0.6:
        return chance.randrange(301)
    if kind < 0.98:
        return max(0, 64 * chance.randrange(40) + chance.randrange(-10, 3))
    return chance.randrange(50_000)


def check_several(library: ctypes.CDLL, way: int, text: bytes, address: int, count: int, chance: random.Random) -> int:
    """`count` messages, some at once; returns how many there were."""
    starts = (ctypes.c_void_p * MOST_AT_ONCE)()
    digests = ctypes.create_string_buffer(32 * MOST_AT_ONCE + 1)
    done = 0
    while done < count:
        own = min(count - done, chance.randrange(1, MOST_AT_ONCE + 1))
        length = generated_length(chance)
        at = [chance.randrange(TEXT_BYTES - length + 1) for _ in range(own)]
        for i, start in enumerate(at):
            starts[i] = address + start
        digests[32 * own] = b"\xa5"
        library.cairn_sha256_many(way, starts, own, length, digests)
        for i, start in enumerate(at):
            if digests.raw[32 * i:32 * i + 32] != hashlib.sha256(text[start:start + length]).digest():
                sys.exit(f"sha256: {WAYS[way]}: wrong for {length} bytes from {start} on, message {i} of {own}")
        if digests[32 * own] != b"\xa5":
            sys.exit(f"sha256: {WAYS[way]}: writes more than {own} digests")
        done += own
    return done


def check_parts(library: ctypes.CDLL, way: int, text: bytes, address: int, count: int, chance: random.Random) -> None:
    """`count` messages in parts."""
    digest = ctypes.create_string_buffer(32)
    for _ in range(count):
        length = generated_length(chance)
        start = chance.randrange(TEXT_BYTES - length + 1)
        state, done = Hash(), 0
        library.cairn_sha256_begin(ctypes.byref(state), way)
        while done < length:
            part = min(length - done, chance.choice((1, 3, 63, 64, 65, 127, 128, 1000, length)))
            library.cairn_sha256_update(ctypes.byref(state), address + start + done, part)
            done += part
        library.cairn_sha256_finish(ctypes.byref(state), digest)
        if digest.raw != hashlib.sha256(text[start:start + length]).digest():
            sys.exit(f"sha256: {WAYS[way]}: wrong for {length} bytes from {start} on, in parts")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    text = chance.randbytes(TEXT_BYTES)
    held = ctypes.create_string_buffer(text, TEXT_BYTES)
    address = ctypes.addressof(held)
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder)
        note = ""
        if library.cairn_sha256_has(AVX2) and not library.cairn_sha256_has(AVX512):
            library = compiled(folder, '-DCAIRN_SHA256_WIDE="avx2"')
            note = " (sixteen lanes compiled for AVX2)"
        ways = [way for way in range(len(WAYS)) if library.cairn_sha256_has(way)]
        for way in ways:
            total += check_several(library, way, text, address, options.messages, chance)
            check_parts(library, way, text, address, options.messages // 10, chance)
            total += options.messages // 10
    print(f"sha256: {total} messages as OpenSSL hashes them: {', '.join(WAYS[way] for way in ways)}{note}")


if __name__ == "__main__":
    main()
