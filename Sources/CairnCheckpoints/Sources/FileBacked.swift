// Which file a source's tensors are read from, for errors that are found before any of its bytes is asked for.

package import CairnSystem

/// A source whose tensors are read from a file.
package protocol FileBacked: TensorSource {
  /// Its path, for messages; nil for memory.
  var filePath: String? { get }
}

extension TensorSource {
  /// The error with the file that the tensors are read from, if there is one and the error names none.
  package func located(_ error: CairnError) -> CairnError {
    if let source = self as? any FileBacked { return error.located(file: source.filePath) }
    if let view = self as? any TensorWrapper { return view.base.located(error) }
    return error
  }

  /// Runs `body`, whose errors name the file.
  package func locating<R>(
    _ body: () throws(CairnError) -> R
  ) throws(CairnError) -> R {
    do throws(CairnError) { return try body() } catch { throw located(error) }
  }
}
