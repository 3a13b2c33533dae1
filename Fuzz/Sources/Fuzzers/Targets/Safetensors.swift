// A safetensors file: opened, read, written anew and converted.

import Cairn
import Forge

private func check(_ bytes: [UInt8]) throws(CairnError) {
  let file = try SafetensorsFile(source(bytes))
  let refused = refusal { () throws(CairnError) in _ = try NamedTensors(reading: file) }
  var total = 0
  for index in 0..<file.count {
    let entry = promised("an entry") { () throws(CairnError) in try file.entry(at: index) }
    if entry.aliasOf == nil { total += entry.byteCount }
  }
  let isAllRead = file.opaqueItems.isEmpty
  if isAllRead ? total != file.dataByteCount : total > file.dataByteCount {
    fail("the tensors are not all of the data")
  }
  stopMetering()
  guard refused == nil, isAllRead else { return }
  let rewritten = promised("a file that was read can be written") { () throws(CairnError) in
    try SafetensorsFile(MemoryBytes(file.encoded(as: .safetensors).array))
  }
  expectSame(file, rewritten, "written anew")
  let container = promised("a file that was read can be converted") { () throws(CairnError) in
    let container = try Container(Container.encode(file, options: .fuzzing))
    _ = try container.verify(.deep)
    return container
  }
  expectSame(file, container, "converted")
}

/// The length in front of the header set to `count`.
private func withLength(_ header: [UInt8], _ data: [UInt8]) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
}

/// The last number in a text: in most headers, where the data end.
private func lastNumber(_ text: [UInt8]) -> Int? {
  let digits = text.reversed().drop { !(0x30...0x39).contains($0) }
    .prefix { (0x30...0x39).contains($0) }
  return Int(String(decoding: digits.reversed(), as: UTF8.self))
}

/// The next input, from one before.
private func changed(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  guard bytes.count > 8, !random.once(in: 6) else { return nil }
  let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
  let end = 8 + Int(min(length, UInt64(bytes.count - 8)))
  var header = Array(bytes[8..<end])
  var data = Array(bytes[end...])
  header = mutated(header, growth: max(0, capacity - bytes.count))
  if random.once(in: 2), let count = lastNumber(header), count <= capacity {
    data = Array(data.prefix(count)) + [UInt8](repeating: 0, count: max(0, count - data.count))
  }
  return withLength(header, data)
}

extension FuzzTarget {
  static let safetensors = FuzzTarget("safetensors", changed: changed, check)
}
