// A checkpoint of several files, one of which names the others: all of them appear together.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Files being written. None takes its place before all are complete; the index comes last.
///
/// A file system replaces one file in one step, but not several. An old index is therefore removed
/// before the first of the new files takes its place, so that an old index never stands over new
/// files. After an interruption between then and the end there is no checkpoint, but never a
/// mixture of two.
struct FileGroup {
  private let indexPath: String
  private let options: WriteOptions
  /// The options that each file is written with.
  private let alone: WriteOptions
  private let index: AtomicFile
  private var parts: [AtomicFile] = []

  /// A group whose index will be at `indexPath`.
  ///
  /// - Throws: as `AtomicFile`.
  init(index indexPath: String, options: WriteOptions) throws(CairnError) {
    self.indexPath = indexPath
    self.options = options
    var alone = options
    // The proof runs once, on all files together.
    alone.proof = nil
    self.alone = alone
    index = try alone.file(at: indexPath)
  }

  /// Adds a file to the group.
  mutating func part(_ path: String) throws(CairnError) -> AtomicFile {
    let file = try alone.file(at: path)
    parts.append(file)
    return file
  }

  /// Writes the index and moves all files into their places.
  ///
  /// - Returns: The bytes of all files.
  func commit(index bytes: [UInt8]) throws(CairnError) -> Int {
    try index.append(bytes.span)
    if let proof = options.proof {
      for part in parts { try part.stage() }
      try index.stage()
      try proof(AtomicFile.staged(parts + [index], over: options.files))
    }
    do throws(SystemError) { try removeOldIndex() } catch {
      throw error.error("remove the old index", path: indexPath)
    }
    for part in parts { try part.commit() }
    try index.commit()
    return parts.reduce(index.byteCount) { $0.addingSaturated($1.byteCount) }
  }

  private func removeOldIndex() throws(SystemError) {
    // If the path is a link, the link stays, and the file that it points to is replaced.
    guard let old = try? options.files.resolve(indexPath) else { return }
    try retrying { () throws(SystemError) in try options.files.unlink(old) }
  }
}

extension Int {
  /// The number with at least five digits, as in the file names of a checkpoint.
  var fiveDigits: String {
    let text = "\(self)"
    return String(repeating: "0", count: Swift.max(0, 5 - text.utf8.count)) + text
  }
}
