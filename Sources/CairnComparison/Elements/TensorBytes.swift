// The bytes of one tensor of either side of a comparison: in memory, or to be read.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The bytes of a tensor, reached window by window.
enum TensorBytes: Sendable {
  /// A tensor in memory; of a variable, the value that it had when the comparison began.
  case memory(Tensor, TensorName?)
  /// A tensor that is read as it is needed.
  case source(any TensorSource, Int, TensorEntry)

  /// The most bytes that are read at a time.
  static let windowByteCount = 1 << 20

  init(_ source: any TensorSource, _ index: Int) throws(CairnError) {
    let entry = try source.entry(at: index)
    if try source.liveIdentity(at: index) != nil {
      self = .memory(try source.tensor(at: index), entry.name)
    } else {
      self = .source(source, index, entry)
    }
  }

  /// Whether these are the bytes of a variable.
  var isLive: Bool {
    if case .memory = self { true } else { false }
  }

  var byteCount: Int {
    switch self {
    case .memory(let tensor, _): tensor.byteCount
    case .source(_, _, let entry): entry.byteCount
    }
  }

  /// The error with what is known of where the tensor comes from.
  func located(_ error: CairnError) -> CairnError {
    switch self {
    case .memory(_, let name): error.located(name: name?.string)
    case .source(let source, _, let entry): source.located(error).located(name: entry.name.string)
    }
  }

  /// Whether the two are the very same memory, so that nothing need be looked at.
  func isSameMemory(as other: TensorBytes) -> Bool {
    guard case .memory(let mine, _) = self, case .memory(let theirs, _) = other else {
      return false
    }
    return mine.storageIdentity == theirs.storageIdentity
  }

  /// Runs `body` on the bytes in `range`: in place, or in a block that they are read into.
  func withBytes<R>(
    _ range: Range<Int>, _ body: (Span<UInt8>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    switch self {
    case .memory(let tensor, _):
      return try tensor.withBytes { (bytes) throws(CairnError) in
        try body(bytes.extracting(range))
      }
    case .source(let source, let index, _):
      let block = try Storage(byteCount: range.count, zeroed: false)
      do throws(CairnError) {
        try block.withMutableBytes(in: 0..<range.count) { (bytes) throws(CairnError) in
          try source.read(at: index, from: range.lowerBound, into: &bytes)
        }
      } catch {
        throw located(error)
      }
      return try block.withBytes(in: 0..<range.count, body)
    }
  }
}
