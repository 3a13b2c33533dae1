"""Metadata, configuration and blobs that are valid: FORMAT.md, sections 13 and 14."""
import json
from typing import Any

from .frames import blob, conf, meta
from .suite import ok, one

NUMBERS = ("[0.0,-0.0,1.0,-1.5,0.0001,1e-05,1.5e-07,1e+16,1234567890123456.0,9007199254740992.0,"
           "5e-324,2.2250738585072014e-308,1.7976931348623157e+308,0.1,0.30000000000000004,"
           "1e+22,1e+23]")


def metadata() -> None:
    values: dict[str, list[Any]] = {
        "bool": [False, True], "i64": [-2**63, -1, 0, 2**63 - 1], "u64": [0, 2**63, 2**64 - 1],
        "f64": [0, 1 << 63, 1, 0x3ff8000000000000, 0x7ff0000000000000, 0x7ff4dead0000beef,
                0xfff8000000000001],
        "string": ["", "grüße\n\0\u2028\U0001f30d", "e\u0301"], "bytes": [b"", b"\xff\0\x80"]}
    for kind, all_of_it in values.items():
        ok(f"metadata-{kind}", [meta([(f"k{i}", kind, v) for i, v in enumerate(all_of_it)])], "13")
        ok(f"metadata-{kind}-array", [meta([
            ("all", kind + "[]", all_of_it), ("none", kind + "[]", []),
            ("one", kind + "[]", all_of_it[-1:])])], "13")
    ok("metadata-key-of-1-byte", [meta([("k", "bool", True)])], "13 16")
    ok("metadata-key-of-1024-bytes", [meta([("k" * 1024, "bool", True)])], "13 16")
    ok("metadata-keys-by-bytes", [meta([
        ("Z", "u64", 1), ("a", "u64", 2), ("a.", "u64", 3), ("aa", "u64", 4), ("ключ", "u64", 5),
        ("\uffee", "u64", 6), ("\U0001f30d", "u64", 7)])], "12 13")
    ok("metadata-with-digests", [meta([("k", "f64", 1)]), *one()], "13 15", digests=True)


def configurations() -> None:
    def file(name: str, text: str) -> None:
        again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"),
                           ensure_ascii=False)
        assert text == again, (text, again)
        ok(f"configuration-{name}", [conf(text)], "14")

    for kind, text in (("object", '{"a":{"b":[]},"c":{}}'), ("array", '[[],{},1]'),
                       ("string", '"text"'), ("integer", "7"), ("float", "1.5"), ("true", "true"),
                       ("null", "null")):
        file(kind, text)
    file("floats", NUMBERS)
    file("not-finite", "[NaN,Infinity,-Infinity]")
    file("integers", "[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615]")
    file("escapes", '"/\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u000b\\u001f\x7f\u0085é\u2028\U0001f30d"')
    file("keys-by-bytes", '{"":0,"A":1,"a":2,"aa":3,"e\u0301":4,"é":5,"\uffee":6,"\U0001f30d":7}')
    file("127-deep", "[" * 127 + "]" * 127)
    file("128-deep", '{"a":' * 64 + "[" * 64 + "]" * 64 + "}" * 64)
    file("brackets-in-a-string", '"' + "[" * 200 + '"')


def blobs() -> None:
    ok("blob", [blob("a", bytes(range(256)) * 2)], "14", digests=True)
    ok("blob-empty", [blob("a", b"")], "14")
    ok("blob-named-as-a-path", [blob("../up", b"name"), blob("z/last", b"x")], "14")
    ok("blobs-in-any-order", [blob("z", b"1"), conf("{}"), blob("a", b"2"), *one(), blob("m", b"3")],
       "5 14", digests=True)
