// Writing a safetensors file: one pass over the source, a window of memory, all or nothing.

package import CairnCheckpoints
package import CairnSystem
import CairnTensors

/// A safetensors file that takes all tensors of a source.
///
/// The same content gives the same bytes. A file that the format's own library wrote comes out as
/// it was, byte for byte, if its metadata has at most one key or its keys ascend by bytes: the
/// library writes keys in no particular order, and an empty `__metadata__`, which is left out here.
///
/// The format has no ties, no configuration, no blobs, no metadata but texts, and not all element
/// types. What it has no place for is refused unless the caller accepts the loss.
package struct SafetensorsWriter: Sendable {
  private let target: WriteTarget

  /// A file to be written at `path`. Nothing is done before the first source comes.
  package init(
    path: String, options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = []
  ) {
    target = WriteTarget(path: path, options: options, accepting: losses)
  }

  /// The bytes of a file with everything that `source` has.
  ///
  /// - Parameters:
  ///   - source: What to write.
  ///   - losses: What may be lost of it.
  ///   - budget: The most bytes of tensors to hold; the machine's memory unless given.
  /// - Throws: `cannotHold` for what the format has no place for and `losses` does not name;
  ///   `overBudget`, and what reading the source needs.
  package static func bytes(
    of source: any TensorSource, accepting losses: AcceptedLosses = [], budget: Int? = nil
  ) throws(CairnError) -> [UInt8] {
    let layout = try SafetensorsLayout(of: source, accepting: losses)
    let budget = budget ?? physicalMemory()
    guard layout.dataByteCount <= budget else {
      throw CairnError(
        .overBudget, "the tensors take more memory than is allowed",
        expected: "at most \(budget) bytes", found: "\(layout.dataByteCount)",
        advice: "Write to a file")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layout.header.count + layout.dataByteCount)
    try write(layout, of: source, progress: { (_) throws(CairnError) in }) { part in
      bytes += part.array
    }
    return bytes
  }

  static func write(
    _ layout: SafetensorsLayout, of source: any TensorSource, progress: ProgressHandler,
    to append: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try append(layout.header.span)
    // Small tensors gather in the window until it is full; large ones go through it in parts.
    let window = try Storage(
      byteCount: min(ByteWindow.byteCount, max(layout.dataByteCount, 1)), zeroed: false)
    var filled = 0
    var done = 0
    for (index, byteCount) in layout.data {
      var offset = 0
      while offset < byteCount {
        let count = min(byteCount - offset, window.byteCount - filled)
        try window.withMutableBytes(in: filled..<filled + count) { (bytes) throws(CairnError) in
          try source.read(at: index, from: offset, into: &bytes)
        }
        offset += count
        filled += count
        done += count
        if filled == window.byteCount {
          try window.withBytes(in: 0..<filled, append)
          filled = 0
          try progress(WorkProgress(done: done, total: layout.dataByteCount))
        }
      }
    }
    if filled > 0 { try window.withBytes(in: 0..<filled, append) }
    try progress(WorkProgress(done: done, total: layout.dataByteCount))
  }
}

extension SafetensorsWriter: TensorSink {
  /// Writes the file: the one that was there is untouched until the new one is whole.
  ///
  /// - Throws: `cannotHold` for what the format has no place for and the options do not accept to
  ///   lose; `alreadyExists`, `notARegularFile`, `permissionDenied`, `noSpace`, `inputOutput`; what
  ///   reading the source needs and what `progress` throws.
  @discardableResult
  package mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    let layout = try SafetensorsLayout(of: source, accepting: target.losses)
    return try target.write { (file) throws(CairnError) in
      try Self.write(layout, of: source, progress: progress) { (part) throws(CairnError) in
        try file.append(part)
      }
    }
  }
}
