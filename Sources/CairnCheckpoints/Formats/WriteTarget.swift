// The frame of all writers of one file.

package import CairnSystem

/// Where a format's writer writes, and what it may leave out.
package struct WriteTarget: Sendable {
  package let path: String
  package let options: WriteOptions
  /// What may be lost.
  package let losses: AcceptedLosses

  package init(path: String, options: WriteOptions, accepting losses: AcceptedLosses) {
    self.path = path
    self.options = options
    self.losses = losses
  }

  /// Writes one file, all or nothing: the one that was there is untouched until the new one is whole.
  ///
  /// - Returns: The bytes of the file.
  package func write(
    _ body: (AtomicFile) throws(CairnError) -> Void
  ) throws(CairnError) -> Int {
    let file = try options.file(at: path)
    try body(file)
    return try file.commit()
  }
}
