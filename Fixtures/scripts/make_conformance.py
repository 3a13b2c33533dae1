#!/usr/bin/env python3
"""Makes the conformance suite, Fixtures/conformance, and its manifest from FORMAT.md alone.

    make_conformance.py [--check] [FOLDER]

An independent writer: it shares no code with any reader. `ok-*` files are valid; `bad-*` files break
one rule each, with every checksum repaired so that the rule itself is reached; `future-*` files
need a reader that is newer; `salvage-*` files are damaged, and something of them can be saved. What
the manifest expects of a file is computed from what went in and from what was done to it.
--check makes everything anew in memory and compares it with the folder (exit 1 if it differs;
the streams come from the zlib of this Python, and another zlib may choose other bytes).
"""
import json
import os
import sys
from collections import Counter
from pathlib import Path

from conformance import (
    bad_attachments,
    bad_data,
    bad_fields,
    bad_frames,
    bad_index,
    bad_layout,
    bad_records,
    bad_structure,
    salvage,
    valid,
    valid_attachments,
    valid_dtypes,
    valid_limits,
    valid_streams,
)
from conformance.suite import FILES, MANIFEST

HERE = os.path.dirname(os.path.abspath(__file__))
ABOUT = ("Made by Fixtures/scripts/make_conformance.py; Tests/Conformance/README.md says what the "
         "fields mean.")


def make() -> None:
    for part in (valid.layout, valid.ties, valid.names, valid.versions, valid.inner,
                 valid_dtypes.dtypes, valid_dtypes.special_bits, valid_dtypes.chunks,
                 valid_streams.streams, valid_attachments.metadata,
                 valid_attachments.configurations, valid_attachments.blobs, valid_limits.limits,
                 bad_layout.superblocks, bad_layout.swaps,
                 bad_layout.endings, bad_frames.headers, bad_frames.order,
                 bad_fields.headers, bad_fields.tensors, bad_structure.references,
                 bad_structure.unknown, bad_structure.limits,
                 bad_records.records, bad_records.names, bad_records.ties, bad_index.index,
                 bad_data.streams, bad_data.elements, bad_data.digests, bad_attachments.metadata,
                 bad_attachments.configurations, salvage.headers, salvage.payloads,
                 salvage.page_and_headers, salvage.ends, salvage.whole_file, salvage.contradictions,
                 salvage.two_pages):
        part()


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    folders = [a for a in arguments if a != "--check"]
    folder = folders[0] if folders else os.path.join(HERE, "..", "conformance")
    make()
    contents = dict(FILES)
    manifest = {"about": ABOUT, "files": MANIFEST}
    contents["manifest.json"] = (json.dumps(manifest, sort_keys=True, indent=1) + "\n").encode()
    different = 0
    if not check:
        os.makedirs(folder, exist_ok=True)
        for name in set(os.listdir(folder)) - set(contents):
            if name.endswith(".cairn"):
                os.remove(os.path.join(folder, name))
    for name, data in sorted(contents.items()):
        if name.endswith(".cairn"):
            assert len(data) < 65536 or name == "salvage-index-page.cairn", name
        path = os.path.join(folder, name)
        if check:
            same = os.path.exists(path) and Path(path).read_bytes() == data
            different += not same
            if not same:
                print(f"differs: {name}")
        else:
            with open(path, "wb") as file:
                file.write(data)
    kinds = Counter(name.split("-")[0] for name in FILES)
    print(", ".join(f"{count} {kind}-*" for kind, count in sorted(kinds.items())) + ": "
          f"{len(FILES)} files, {sum(map(len, FILES.values()))} bytes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
