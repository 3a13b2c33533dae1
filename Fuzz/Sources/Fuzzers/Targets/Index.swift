// Look-ups and reads in a file that was opened and not verified.

import Cairn

/// The most bytes of tensors that one run decodes; tensors that claim more than the file can give
/// are asked for all the same, and must be refused.
private let mostDecoded = 8 << 20

private func check(_ bytes: [UInt8]) throws(CairnError) {
  let container = try Container(source(bytes), options: .fuzzing(bytes))
  _ = refusal { () throws(CairnError) in _ = try container.blobs }
  _ = refusal { () throws(CairnError) in _ = try container.index(of: "t") }
  var decoded = 0
  var read: [(row: Int, tensor: Tensor)] = []
  for row in 0..<min(container.count, 48) {
    _ = refusal { () throws(CairnError) in _ = try container.storage(at: row) }
    _ = refusal { () throws(CairnError) in try container.checkBlocks(at: row) }
    _ = refusal { () throws(CairnError) in
      let entry = try container.entry(at: row)
      _ = try container.index(of: entry.name)
      let most = 1_032 * bytes.count + 64
      guard entry.byteCount > most || decoded + entry.byteCount <= mostDecoded else { return }
      decoded += min(entry.byteCount, most)
      let tensor = try container.tensor(at: row)
      guard tensor.byteCount == entry.byteCount, tensor.byteCount <= most else {
        fail("a tensor of \(tensor.byteCount) bytes came out of \(bytes.count)")
      }
      checkPart(of: tensor, at: row, in: container)
      read.append((row, tensor))
    }
  }
  let together = promised("tensors that were read one by one") { () throws(CairnError) in
    try container.tensors(at: read.map(\.row))
  }
  if together != read.map(\.tensor) { fail("read together, tensors are others than one by one") }
  for place in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 5)) {
    _ = refusal { () throws(CairnError) in _ = try container.place(of: place) }
  }
  if decoded <= mostDecoded / 2 {
    _ = refusal { () throws(CairnError) in _ = try NamedTensors(reading: container) }
  }
}

/// A slice of a tensor is that slice of the whole.
private func checkPart(of tensor: Tensor, at row: Int, in container: Container) {
  let count = min(tensor.byteCount / 2, 40)
  let start = (tensor.byteCount - count) / 3
  var part = [UInt8](repeating: 0xA5, count: count)
  promised("a part of a tensor that can be read") { () throws(CairnError) in
    var span = part.mutableSpan
    try container.read(at: row, from: start, into: &span)
  }
  tensor.withBytes { whole in
    for place in part.indices where part[place] != whole[start + place] {
      fail("a part of a tensor is other bytes than the whole has there")
    }
  }
}

extension FuzzTarget {
  static let index = FuzzTarget("index", changed: containerMutator(focus: ["INDX", "PTAB"]), check)
}
