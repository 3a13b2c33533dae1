// The decoder of streams, without a container around them, held against zlib's inflate and a plain
// joining of planes. The input is a layout, the number of elements in three bytes, then the stream.

import CFuzzing
import CairnCodec
import Forge

/// What an input describes.
private struct Stream {
  static let headerCount = 4
  static let mostBytes = 1 << 19
  var layout: Int
  var byteCount: Int
  var stored: [UInt8]

  init(layout: Int, byteCount: Int, stored: [UInt8]) {
    (self.layout, self.byteCount, self.stored) = (layout, byteCount, stored)
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headerCount else { return nil }
    layout = Int(bytes[0]) % chunkLayouts.count
    let size = chunkLayouts[layout].componentSize
    let elements = Int(bytes[1]) | Int(bytes[2]) << 8 | Int(bytes[3]) << 16
    byteCount = elements % (Self.mostBytes / size + 1) * size
    stored = Array(bytes[Self.headerCount...])
  }

  var input: [UInt8] {
    let elements = byteCount / chunkLayouts[layout].componentSize
    return [UInt8(layout)] + (0..<3).map { UInt8(truncatingIfNeeded: elements >> (8 * $0)) }
      + stored
  }
}

private func decoded(
  _ stream: Stream, _ layout: ChunkLayout, with decoder: inout ChunkDecoder
) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0xEE, count: stream.byteCount)
  do throws(CodecError) {
    var target = bytes.mutableSpan
    try decoder.decode(stream.stored.span, layout: layout, into: &target)
  } catch {
    guard error.code != .invalidArgument, error.code != .outOfMemory else { fail("\(error)") }
    return nil
  }
  return bytes
}

private func check(_ bytes: [UInt8]) {
  guard let stream = Stream(bytes) else { return }
  let (size, filter) = chunkLayouts[stream.layout]
  let found: [UInt8]?
  let again: [UInt8]?
  do throws(CodecError) {
    guard let planeFilter = PlaneFilter(rawValue: UInt8(filter)) else { fail("no filter") }
    let layout = try ChunkLayout(filter: planeFilter, elementSize: size)
    var decoder = try ChunkDecoder()
    found = decoded(stream, layout, with: &decoder)
    // What comes in between is damaged somewhere.
    var damaged = stream
    if !damaged.stored.isEmpty {
      let sum = stream.stored.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFF_FFFF }
      damaged.stored[sum % damaged.stored.count] ^= UInt8(1 << (sum >> 12 & 7))
    }
    _ = decoded(damaged, layout, with: &decoder)
    again = decoded(stream, layout, with: &decoder)
  } catch { fail("\(error)") }
  stopMetering()
  let expected = zlibInflated(stream.stored, count: stream.byteCount).map {
    joined($0, componentSize: size, filter: filter)
  }
  if found == nil, expected != nil { fail("a stream that zlib reads is refused") }
  if found != nil, expected == nil { fail("a stream that zlib refuses is read") }
  if found != expected { fail("other elements than zlib and the planes give") }
  if again != found { fail("a decoder's past shows") }
}

/// `planes` as a stream: by zlib with any of its settings, or by Cairn.
private func coded(
  _ planes: [UInt8], _ layout: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  let (size, filter) = chunkLayouts[layout]
  if random.once(in: 3), let planeFilter = PlaneFilter(rawValue: UInt8(filter)) {
    let elements = joined(planes, componentSize: size, filter: filter)
    do throws(CodecError) {
      var encoder = ChunkEncoder()
      return try encoder.encode(
        elements.span, layout: ChunkLayout(filter: planeFilter, elementSize: size))
    } catch { return nil }
  }
  // A flush in the middle of a plane, near it, or anywhere.
  let plane = planes.count / (filter == 0 ? 1 : size)
  let middle = (plane + 1) / 2 + plane * Int.random(in: 0..<8, using: &random)
  var places = [middle, middle + Int.random(in: -2...2, using: &random)]
  places.append(Int.random(in: 0...planes.count, using: &random))
  let place = min(max(places[Int.random(in: 0..<3, using: &random)], 0), planes.count)
  return ContainerForge.stream(
    of: planes, level: Int.random(in: 0...9, using: &random),
    strategy: Int.random(in: 0...4, using: &random),
    windowBits: Int.random(in: 9...15, using: &random),
    flush: random.once(in: 2)
      ? (place, [1, 2, 3, 5][Int.random(in: 0..<4, using: &random)]) : nil)
}

/// The next input, from one before.
private func changed(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  guard var stream = Stream(bytes), !random.once(in: 10) else { return nil }
  let growth = max(0, capacity - bytes.count)
  switch Int.random(in: 0..<6, using: &random) {
  case 0:
    // New planes, long enough for parts, at times.
    let script = (0..<7 * Int.random(in: 1...6, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    stream.layout = Int.random(in: 0..<chunkLayouts.count, using: &random)
    let size = chunkLayouts[stream.layout].componentSize
    let limit = min(4 * capacity, 256 << Int.random(in: 0...11, using: &random))
    var planes = scripted(script[...], limit: min(limit, Stream.mostBytes))
    planes.removeLast(planes.count % size)
    guard let coded = coded(planes, stream.layout, &random) else { return nil }
    stream.stored = coded
  case 1:
    guard let (plain, _) = ContainerForge.inflated(stream.stored),
      let coded = coded(mutated(plain, growth: growth), 0, &random)
    else { return nil }
    stream.stored = coded
  default:
    stream.stored = mutated(stream.stored, growth: growth)
    if !random.once(in: 4) { stream.stored = ContainerForge.repairingStream(stream.stored) }
  }
  // Most streams get the length that they give, or an element more.
  if !random.once(in: 6), let (plain, _) = ContainerForge.inflated(stream.stored) {
    let size = chunkLayouts[stream.layout].componentSize
    stream.byteCount = min(plain.count / size * size, Stream.mostBytes)
    if random.once(in: 10) { stream.byteCount += size }
  }
  return stream.input
}

extension FuzzTarget {
  static let inflate = FuzzTarget("inflate", changed: changed, check)
}
