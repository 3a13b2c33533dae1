// Writing to every variable of one source and looking whether it shows in another.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// A trial of the independence of one source from writes to another.
struct MutationProbe {
  /// A variable, once, however many names it has.
  private struct Target {
    var name: TensorName
    var variable: Variable
    var original: Tensor
  }

  private let batches: [[Target]]
  private let watched: any TensorSource
  private let before: [Int]

  /// The number of variables that are written.
  var variableCount: Int { batches.reduce(0) { $0 + $1.count } }

  init(of source: any VariableSource, watching watched: any TensorSource) throws(CairnError) {
    var seen: Set<ObjectIdentifier> = []
    var targets: [Target] = []
    for index in try source.indicesInWeightOrder() {
      guard let variable = try source.variable(at: index),
        seen.insert(ObjectIdentifier(variable)).inserted
      else { continue }
      let value = variable.value
      // Empty tensors, and strings without a byte, have nothing to flip.
      guard value.flippableByte != nil else { continue }
      targets.append(
        Target(name: try source.entry(at: index).name, variable: variable, original: value))
    }
    // A few batches: memory for the flipped copies of one, a look at the other side for each.
    let total = targets.reduce(0) { $0 + $1.original.byteCount }
    var batches: [[Target]] = []
    var room = 0
    for target in targets {
      if batches.isEmpty || room < target.original.byteCount {
        batches.append([])
        room = max(total / 8, target.original.byteCount)
      }
      batches[batches.count - 1].append(target)
      room -= target.original.byteCount
    }
    self.batches = batches
    self.watched = watched
    self.before = try Self.hashes(of: watched)
  }

  /// Writes all variables, batch by batch; the batch of a leak again, one by one.
  func run() throws(CairnError) -> [(written: TensorName, changed: [TensorName])] {
    var leaks: [(written: TensorName, changed: [TensorName])] = []
    for batch in batches where try !changes(by: batch).isEmpty {
      for target in batch {
        let changed = try changes(by: [target])
        if !changed.isEmpty { leaks.append((target.name, changed)) }
      }
    }
    return leaks
  }

  /// What changes on the other side while `targets` are written.
  private func changes(by targets: [Target]) throws(CairnError) -> [TensorName] {
    defer {
      // The variable held this very value before, so it can be assigned again.
      for target in targets { try? target.variable.assign(target.original) }
    }
    for target in targets {
      var value = target.variable.value
      try value.flipBit()
      try target.variable.assign(value)
    }
    let after = try Self.hashes(of: watched)
    var changed: [TensorName] = []
    for index in before.indices where before[index] != after[index] {
      changed.append(try watched.entry(at: index).name)
    }
    return changed
  }

  /// A hash of every tensor's bytes, with the seed that Swift draws for each process.
  private static func hashes(of source: any TensorSource) throws(CairnError) -> [Int] {
    var hashes: [Int] = []
    for index in 0..<source.count {
      let bytes = try TensorBytes(source, index)
      var hasher = Hasher()
      var offset = 0
      while offset < bytes.byteCount {
        let end = min(bytes.byteCount - offset, TensorBytes.windowByteCount) + offset
        try bytes.withBytes(offset..<end) { $0.hash(into: &hasher) }
        offset = end
      }
      hashes.append(hasher.finalize())
    }
    return hashes
  }
}

extension Tensor {
  /// The byte in which the lowest bit can be flipped so that the type allows the result: the first,
  /// for strings the last, which is none of the offsets.
  fileprivate var flippableByte: Int? {
    if dtype != .string { return byteCount > 0 ? 0 : nil }
    return byteCount > 8 * elementCount ? byteCount - 1 : nil
  }

  /// Flips one bit in place, after copying the storage if it is shared.
  fileprivate mutating func flipBit() throws(CairnError) {
    guard let byte = flippableByte else { return }
    try withMutableBytes { (bytes) throws(CairnError) in bytes[byte] ^= 1 }
  }
}
