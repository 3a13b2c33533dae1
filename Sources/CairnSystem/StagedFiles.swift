// Files that are written and not yet in their places, seen as if they were.

/// A file system in which the given files are in their places already, so that what was written can be
/// opened, and proven, before anything that was there is replaced.
package struct StagedFiles: FileSystem {
  private let base: any FileSystem
  /// Where a file will be, and where it is.
  private let places: [ByteKey: String]

  init(_ places: [ByteKey: String], over base: any FileSystem) {
    self.places = places
    self.base = base
  }

  /// Where the file at `path` is now.
  private func place(_ path: String) throws(SystemError) -> String {
    if let place = places[ByteKey(path)] { return place }
    let (folder, name) = SystemPath.split(path)
    // The folder may be spelt in another way than when the target was found.
    if let folder = try? base.resolve(folder),
      let place = places[ByteKey((folder == "/" ? "" : folder) + "/" + name)]
    {
      return place
    }
    // A link leads to what will be replaced.
    if let real = try? base.resolve(path), let place = places[ByteKey(real)] { return place }
    return path
  }

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try base.openForReading(place(path))
  }
  package func status(at path: String) throws(SystemError) -> FileStatus {
    try base.status(at: place(path))
  }
  package func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    try base.create(path, permissions: permissions)
  }
  package func openFolder(_ path: String) throws(SystemError) -> Int32 {
    try base.openFolder(path)
  }
  package func close(_ descriptor: Int32) throws(SystemError) { try base.close(descriptor) }
  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try base.status(of: descriptor)
  }
  package func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int { try base.read(descriptor, at: offset, into: &bytes) }
  package func map(_ descriptor: Int32, byteCount: Int) throws(SystemError) -> Storage {
    try base.map(descriptor, byteCount: byteCount)
  }
  package func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    try base.write(descriptor, bytes)
  }
  package func reserve(
    _ descriptor: Int32, at offset: Int, byteCount: Int
  ) throws(SystemError) { try base.reserve(descriptor, at: offset, byteCount: byteCount) }
  package func truncate(_ descriptor: Int32, to byteCount: Int) throws(SystemError) {
    try base.truncate(descriptor, to: byteCount)
  }
  package func synchronize(_ descriptor: Int32) throws(SystemError) {
    try base.synchronize(descriptor)
  }
  package func setPermissions(
    _ descriptor: Int32, _ permissions: UInt32
  ) throws(SystemError) { try base.setPermissions(descriptor, permissions) }
  package func rename(_ from: String, to: String) throws(SystemError) {
    try base.rename(from, to: to)
  }
  package func link(_ from: String, to: String) throws(SystemError) {
    try base.link(from, to: to)
  }
  package func unlink(_ path: String) throws(SystemError) { try base.unlink(path) }
  package func readLink(_ path: String) throws(SystemError) -> String { try base.readLink(path) }
  /// The names without the staged files, which have other names there.
  package func names(in folder: String, limit: Int) throws(SystemError) -> [String] {
    try base.names(in: folder, limit: limit)
  }
  /// For a staged file, resolves its folder, which exists, but not the file, which may not exist.
  package func resolve(_ path: String) throws(SystemError) -> String {
    guard try !place(path).isSpelt(as: path) else { return try base.resolve(path) }
    let (folder, name) = SystemPath.split(path)
    let real = try base.resolve(folder)
    return real == "/" ? "/" + name : real + "/" + name
  }
}
