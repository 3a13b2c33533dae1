// Writing a safetensors file: one pass over the source, a window of memory, all or nothing.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Writes all tensors of a source into a safetensors file.
///
/// The same content gives the same bytes. A file that the format's own library wrote comes out
/// unchanged, byte for byte, if its metadata has at most one key or its keys ascend by bytes. The
/// library writes keys in no particular order, and writes an empty `__metadata__`, which is left
/// out here.
///
/// The format has no ties, no configuration, no blobs, no metadata other than texts, and not all
/// element types. What it cannot hold is refused unless the caller accepts the loss.
struct SafetensorsWriter {
  let target: WriteTarget

  static func write(
    _ layout: SafetensorsLayout, of source: any TensorSource, progress: ProgressHandler,
    to append: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try append(layout.header.span)
    // Small tensors collect in the window until it is full; large ones go through it in parts.
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
          try WorkProgress.report(done, of: layout.dataByteCount, to: progress)
        }
      }
    }
    if filled > 0 { try window.withBytes(in: 0..<filled, append) }
    try WorkProgress.report(done, of: layout.dataByteCount, to: progress)
  }
}

extension SafetensorsWriter: TensorSink {
  /// Writes the file. An existing file stays untouched until the new one is complete.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless the options accept its loss;
  ///   `alreadyExists`, `notARegularFile`, `permissionDenied`, `noSpace`, `inputOutput`; the errors
  ///   of reading the source, and what `progress` throws.
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
