// The stream of a chunk, held against zlib's own reading of it and a plain joining of planes. The
// input is six bytes that describe the tensor, then the stored bytes; the container around them has
// right checksums.

import CFuzzing
import Cairn
import Forge

/// An element type with its code in the format, the bytes of an element and of a component.
private struct Kind {
  var code: Int
  var element: Int
  var component: Int
  var rotates: Bool
}

private let kinds = [
  Kind(code: 6, element: 1, component: 1, rotates: false),
  Kind(code: 7, element: 2, component: 2, rotates: false),
  Kind(code: 8, element: 4, component: 4, rotates: false),
  Kind(code: 9, element: 8, component: 8, rotates: false),
  Kind(code: 10, element: 2, component: 2, rotates: true),
  Kind(code: 11, element: 2, component: 2, rotates: true),
  Kind(code: 12, element: 4, component: 4, rotates: true),
  Kind(code: 13, element: 8, component: 8, rotates: true),
  Kind(code: 14, element: 8, component: 4, rotates: true),
  Kind(code: 15, element: 16, component: 8, rotates: true),
]

/// The chunk that an input describes.
private struct Chunk {
  static let headerCount = 6
  var kind: Kind
  var filter: Int
  var byteCount: Int
  var stored: [UInt8]

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headerCount else { return nil }
    kind = kinds[Int(bytes[0]) % kinds.count]
    filter = Int(bytes[1]) % 3
    let elements = (2..<6).reduce(0) { $0 | Int(bytes[$1]) << (8 * ($1 - 2)) }
    // One chunk of the smallest container is 1 MiB at most.
    byteCount = max(1, elements % ((1 << 20) / kind.element + 1)) * kind.element
    stored = Array(bytes[Self.headerCount...])
  }

  /// The bytes of an input that describes this chunk.
  var input: [UInt8] {
    let number = UInt8(kinds.firstIndex { $0.code == kind.code } ?? 0)
    let elements = byteCount / kind.element
    return [number, UInt8(filter)] + (0..<4).map { UInt8(truncatingIfNeeded: elements >> (8 * $0)) }
      + stored
  }

  /// The elements as FORMAT.md, section 10, gives them; nil for a chunk that is to be refused.
  var expected: [UInt8]? {
    guard filter == 0 || kind.component > 1, filter < 2 || kind.rotates, !stored.isEmpty,
      stored.count <= byteCount, byteCount <= 1_032 * stored.count + 64
    else { return nil }
    if stored.count == byteCount { return stored }
    guard let planes = zlibInflated(stored, count: byteCount) else { return nil }
    return joined(planes, componentSize: kind.component, filter: filter)
  }
}

private func check(_ bytes: [UInt8]) throws(CairnError) {
  guard let chunk = Chunk(bytes) else { return }
  let tensor = ForgedLayout.ChunkedTensor(
    dtype: chunk.kind.code, filter: chunk.filter,
    elementCount: chunk.byteCount / chunk.kind.element, byteCount: chunk.byteCount)
  let file = ForgedLayout(tensor, stored: chunk.stored).bytes()
  let container = try Container(source(file), options: .fuzzing(file))
  var found: Tensor?
  let refused = refusal { () throws(CairnError) in found = try container.tensor(at: 0) }
  let verified = refusal { () throws(CairnError) in _ = try container.verify(.deep) } == nil
  stopMetering()
  let expected = chunk.expected
  if let expected, let refused { fail("\(expected.count) bytes that zlib reads: \(refused)") }
  if expected == nil, refused == nil { fail("a stream that zlib refuses is read") }
  if let found, found.bytes != expected { fail("other elements than zlib and the planes give") }
  if verified != (expected != nil) { fail("verifying and reading disagree") }
}

/// The next input, from one before.
private func changed(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  guard var chunk = Chunk(bytes), !random.once(in: 10) else { return nil }
  let growth = max(0, capacity - bytes.count)
  if random.once(in: 3), let (plain, _) = ContainerForge.inflated(chunk.stored) {
    chunk.stored = ContainerForge.stream(
      of: mutated(plain, growth: growth), level: Int.random(in: 0...9, using: &random),
      strategy: Int.random(in: 0...4, using: &random),
      windowBits: Int.random(in: 9...15, using: &random))
  } else {
    chunk.stored = mutated(chunk.stored, growth: growth)
    if !random.once(in: 5) { chunk.stored = ContainerForge.repairingStream(chunk.stored) }
  }
  // Most streams get the length that they give, or one byte's more or less.
  if !random.once(in: 6), let (plain, _) = ContainerForge.inflated(chunk.stored) {
    let size = chunk.kind.element
    chunk.byteCount = (plain.count + (random.once(in: 10) ? size : 0)) / size * size
  }
  return chunk.input
}

extension FuzzTarget {
  static let chunk = FuzzTarget("chunk", changed: changed, check)
}
