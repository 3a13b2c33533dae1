// What a program did to files, in order: what a loss of power is played back from.

/// A step that changes files, or makes earlier steps last. Files are numbered as a file system
/// numbers its inodes: names come and go, the file stays what it is.
package enum FileEvent: Hashable, Sendable {
  case create(path: String, file: Int)
  case write(file: Int, offset: Int, bytes: [UInt8])
  case rename(from: String, to: String, file: Int)
  case link(path: String, file: Int)
  case unlink(path: String)
  /// fsync of a file.
  case synchronize(file: Int)
  /// fsync of a folder.
  case synchronizeFolder(path: String)

  /// Whether the step makes earlier ones last.
  package var isBarrier: Bool {
    switch self {
    case .synchronize, .synchronizeFolder: true
    default: false
    }
  }
}

/// Files that were there and were durable, and what was done since.
package struct FileHistory: Sendable {
  /// The names, absolute paths, and the number of the file that each names.
  package var names: [String: Int]
  /// The files' bytes, by number.
  package var contents: [Int: [UInt8]]
  package var events: [FileEvent] = []

  package init(names: [String: Int] = [:], contents: [Int: [UInt8]] = [:]) {
    self.names = names
    self.contents = contents
  }

  /// The writes among the events.
  package var writeCount: Int {
    events.count { if case .write = $0 { true } else { false } }
  }

  /// The moments at which a loss of power is played: before each barrier, and after the last step.
  ///
  /// That is enough for all moments. Between two barriers nothing becomes durable by itself, so what
  /// may be left after a step is also what may be left after a later step of the same stretch, with
  /// the steps in between lost.
  package var momentsToFail: [Int] {
    events.indices.filter { events[$0].isBarrier } + [events.count]
  }
}

/// The folder of a path.
func folder(of path: String) -> String {
  path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
}
