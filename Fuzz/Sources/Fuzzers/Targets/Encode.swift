// The encoder: zlib must read what it writes. The input is a layout, a limit for the length, then a
// script for the planes (see `scripted`).

import CFuzzing
import CairnCodec
import Forge

private func encoded(_ elements: [UInt8], _ layout: ChunkLayout) throws(CodecError) -> [UInt8]? {
  var encoder = ChunkEncoder()
  let stream = try encoder.encode(elements.span, layout: layout)
  // Again, into a buffer that is not a byte longer than it must be.
  var buffer = [UInt8](repeating: 0xEE, count: ChunkEncoder.capacity(for: elements.count))
  var target = buffer.mutableSpan
  let count = try encoder.encode(elements.span, layout: layout, into: &target)
  if count.map({ Array(buffer[..<$0]) }) != stream { fail("an encoder's past shows") }
  return stream
}

private func check(_ bytes: [UInt8]) {
  guard bytes.count >= 2 else { return }
  let (size, filter) = chunkLayouts[Int(bytes[0]) % chunkLayouts.count]
  // Short chunks are quick to code, long ones have parts, samples and many blocks.
  let limit = 256 << (Int(bytes[1] & 15) % 11)
  var planes = scripted(bytes.dropFirst(2), limit: limit - Int(bytes[1] >> 4))
  planes.removeLast(planes.count % size)
  let elements = joined(planes, componentSize: size, filter: filter)
  do throws(CodecError) {
    guard let planeFilter = PlaneFilter(rawValue: UInt8(filter)) else { fail("no filter") }
    let layout = try ChunkLayout(filter: planeFilter, elementSize: size)
    guard let stream = try encoded(elements, layout) else { return }
    guard stream.count <= ChunkEncoder.largestWorthwhileLength(for: elements.count) else {
      fail("a stream of \(stream.count) bytes for \(elements.count)")
    }
    if zlibInflated(stream, count: planes.count) != planes { fail("zlib reads other planes") }
    var decoder = try ChunkDecoder()
    var found = [UInt8](repeating: 0xEE, count: elements.count)
    var target = found.mutableSpan
    try decoder.decode(stream.span, layout: layout, into: &target)
    if found != elements { fail("other elements come back") }
  } catch { fail("\(error)") }
}

extension FuzzTarget {
  static let encode = FuzzTarget("encode", check)
}
