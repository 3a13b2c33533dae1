// Checking every element of a source.

package import CairnSystem
import CairnTensors

/// Checks the elements of any source against the rules of their types.
package enum ElementCheck {
  /// Reads every tensor, aliases not twice, in windows of 16 MiB.
  ///
  /// - Throws: `invalidElement`, and what reading throws.
  package static func run(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) {
    let entries = try source.entries()
    let total = entries.reduce(0) { $0.addingReportingOverflow($1.byteCount).partialValue }
    let window = try Storage(byteCount: 16 << 20, zeroed: false)
    var done = 0
    for (index, entry) in entries.enumerated() where entry.aliasOf == nil {
      var inspector = ElementInspector(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount)
      var start = 0
      while start < entry.byteCount {
        let part = min(window.byteCount, entry.byteCount - start)
        try window.withMutableBytes(in: 0..<part) { (bytes) throws(CairnError) in
          try source.read(at: index, from: start, into: &bytes)
        }
        try window.withBytes(in: 0..<part) { (bytes) throws(CairnError) in
          try inspector.inspect(bytes)
        }
        start += part
        done += part
        try progress(Progress(done: done, total: total))
      }
      try inspector.finish()
    }
  }
}
