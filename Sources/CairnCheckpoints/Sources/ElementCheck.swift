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
    let total = entries.reduce(0) { $0.addingSaturated($1.byteCount) }
    var window = ByteWindow()
    var count = ProgressCount(of: total)
    for (index, entry) in entries.enumerated() where entry.aliasOf == nil {
      var inspector = ElementInspector(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount)
      try source.pass(0..<entry.byteCount, of: index, through: &window, step: 16 << 20) {
        (bytes) throws(CairnError) in
        try inspector.inspect(bytes)
        try count.add(bytes.count, progress)
      }
      try inspector.finish()
    }
  }
}
