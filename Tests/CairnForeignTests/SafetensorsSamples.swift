// Small safetensors files spelt out by hand, and what several suites need of them.

import CairnForeign
import CairnSystem
import CairnTensors

/// The bytes of a file: length, header, as many bytes of data as asked for (0, 1, 2 …).
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  safetensors(Array(header.utf8), data: data, length: length)
}

func safetensors(_ header: [UInt8], data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let length = length ?? UInt64(header.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + header
    + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

func open(_ bytes: [UInt8]) throws(CairnError) -> SafetensorsFile {
  try SafetensorsFile(MemoryBytes(bytes))
}

/// The whole of a file.
func contents(of path: String) throws(CairnError) -> [UInt8] {
  let file = try FileBytes(path: path)
  return try file.withBytes(in: 0..<file.count) { $0.array }
}

/// Makes a file of those bytes.
func write(_ bytes: [UInt8], to path: String) throws(CairnError) {
  let file = try AtomicFile(path: path, durability: .none)
  try file.append(bytes.span)
  try file.commit()
}
