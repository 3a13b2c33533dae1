"""NumPy: .npy files and the archives of them."""
import struct

from draw import MOST_BYTES, Case, Draw

from .wire import archive

TYPES = ["<f4", "|u1", "|b1", "<c16", "<U1", "|S1", "<U1000", "|S1000000", "<U536870911", "|S2147483647", "|O",
         "<M8[ns]", "|V8", ">f8", "<f2", "|S0", "<U0", "[('a','<f4')]", ""]


def header(dtype: str, shape: list[int], fortran: bool = False, spelt: str | None = None) -> str:
    plain = "(" + ",".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    return f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {spelt or plain}, }}"


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode(errors="surrogatepass")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    if version == 1 and len(text) > 65535:
        version = 2
    length = struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def texts(r: Draw) -> Case:
    width = r.one([1, 2, 10, 1000, r.count(4)])
    count = max(1, r.bytes // (4 * width))
    return Case({"x.npy": r.damaged(npy(header(f"<U{width}", [count]), bytes(4 * width * count)))})


def byte_texts(r: Draw) -> Case:
    width = r.one([1, 1, 2, 100])
    count = r.count(width)
    return Case({"x.npy": npy(header(f"|S{width}", [count]), r.data(width * count))})


def shapes(r: Draw) -> Case:
    return Case({"x.npy": r.damaged(npy(header(r.one(TYPES), r.dims(), r.chance(0.5)), r.data(r.small(64))))})


def headers(r: Draw) -> Case:
    core = r.one(["(" * r.count(), "{'descr':" * r.count(9), "'" + "a" * r.count(), "[" * r.count(),
                  "{" + "'descr': '<f4'," * r.count(15), header("<f4", [1] * r.count(2)),
                  header("<f4", [], spelt="(" + "9" * r.count() + ",)"), " " * r.count(), "\\x41" * r.count(4)])
    return Case({"x.npy": npy(core, bytes(8), r.one([1, 2, 3]))})


def fortran(r: Draw) -> Case:
    rank = r.one([2, 3, 8, 20])
    side = max(2, int(r.bytes ** (1 / rank)))
    side = side if side**rank < MOST_BYTES - 4096 else side - 1
    return Case({"x.npy": npy(header("|u1", [side] * rank, True), r.data(side**rank))})


def inflating(r: Draw) -> Case:
    """One or many members that deflate a thousandfold."""
    count = r.one([1, 1, 20, 300])
    size = min(r.bytes * 900, 400_000_000) // count
    dtype = r.one(["|u1", "|b1", "|S1", "<f4", "<U1", f"|S{size}", f"<U{size // 4}"])
    width = {"|u1": 1, "|b1": 1, "|S1": 1}.get(dtype, 4)
    shape = [] if dtype[1:2] in "SU" and size > 1 and dtype[2:] not in ("1",) else [size // width]
    if r.chance(0.4) and len(shape) == 1:
        side = int(shape[0] ** 0.5)
        text = header(dtype, [side, side], True)
        size = side * side * width
    else:
        text = header(dtype, shape)
        size = size // 4 * 4
    member = npy(text, bytes(size))
    return Case({"x.npz": r.damaged(archive([(f"{i}.npy", member) for i in range(count)]))})


def members(r: Draw) -> Case:
    count = r.count(350)
    member = npy(r.one([header("<f4", [0]), header("|O", [1]), header("|S0", [2**40]), header("<f4", [0, 2**60])]))
    return Case({"x.npz": archive([(n + ".npy", member) for n in r.names(count)], r.chance(0.3))})


def blobs(r: Draw) -> Case:
    count = r.one([1, 60])
    size = min(r.bytes * 900, 400_000_000) // count
    return Case({"x.npz": archive([("a.npy", npy(header("<f4", [1]), bytes(4)))]
                                  + [(f"b{i}", bytes(size)) for i in range(count)])})


def names(r: Draw) -> Case:
    return Case({"x.npz": r.damaged(archive([(r.name()[:60000] + ".npy", npy(header("|u1", [1]), b"\1"))
                                             for _ in range(r.small(12))], r.chance(0.5)), 0.5)})


def overlapping(r: Draw) -> Case:
    """A directory whose entries all name one member."""
    member = npy(header("|u1", [1000]), bytes(1000))
    whole = archive([("aaaa.npy", member)], False)
    start = whole.index(b"PK\1\2")
    end = whole.index(b"PK\5\6")
    one = whole[start:end]
    count = min(r.count(len(one)), 65000)
    directory = b"".join(one.replace(b"aaaa.npy", b"%04x.npy" % i) for i in range(count))
    tail = bytearray(whole[end:])
    struct.pack_into("<HHII", tail, 8, count, count, len(directory), start)
    return Case({"x.npz": whole[:start] + directory + bytes(tail)})


FAMILIES = {f.__name__: f for f in [
    texts, byte_texts, shapes, headers, fortran, inflating, members, blobs, names, overlapping]}
