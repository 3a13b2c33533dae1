// Every call to the operating system's files is in this file, except `mmap`, which is with the
// memory that it makes. All are behind one protocol, so that a test can make any of them fail.
// Nothing here loops or recovers: `FileBytes` and `AtomicFile` do.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
import CCairnSystem

/// The number by which the system names a failure (POSIX `errno`).
package struct SystemError: Error, Hashable, Sendable {
  package var number: Int32
  package init(_ number: Int32) { self.number = number }

  package static let interrupted = SystemError(EINTR)
  package static let inputOutput = SystemError(EIO)
  package static let noSpace = SystemError(ENOSPC)

  /// The system's own words for the failure.
  package var text: String {
    // SAFETY: strerror returns a NUL-terminated string that lives at least until the next call on
    // this thread; it is copied at once.
    unsafe String(cString: strerror(number))
  }

  /// The failure as an error a user can act on.
  package func error(_ action: String, path: String) -> CairnError {
    let code: CairnError.Code
    var advice: String?
    switch number {
    case ENOENT, ENOTDIR: (code, advice) = (.notFound, "Check the path")
    case EACCES, EPERM, EROFS:
      (code, advice) = (.permissionDenied, "Check the permissions of the file and of its folder")
    case EEXIST: code = .alreadyExists
    case EISDIR: (code, advice) = (.notARegularFile, "Name a file, not a folder")
    case ENOSPC, EDQUOT, EFBIG:
      (code, advice) = (.noSpace, "Free some space; what was there before is untouched")
    case ENOMEM: code = .outOfMemory
    case ENAMETOOLONG: (code, advice) = (.invalidArgument, "Choose a shorter name")
    default: code = .inputOutput
    }
    return CairnError(
      code, "cannot \(action): \(text)", at: .init(file: path), advice: advice, cause: self)
  }
}

/// What the file system says of a file.
package struct FileStatus: Hashable, Sendable {
  package enum Kind: Sendable { case regular, folder, other }
  package var kind: Kind
  package var byteCount: Int
  package var permissions: UInt32
  package var device: UInt64
  package var inode: UInt64
}

/// The operations on files that Cairn needs, each one system call, each failing with its `errno`.
package protocol FileSystem: Sendable {
  func openForReading(_ path: String) throws(SystemError) -> Int32
  /// Creates a file that does not exist yet, for writing.
  func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32
  func openFolder(_ path: String) throws(SystemError) -> Int32
  func close(_ descriptor: Int32) throws(SystemError)
  func status(of descriptor: Int32) throws(SystemError) -> FileStatus
  func status(at path: String) throws(SystemError) -> FileStatus
  /// One `pread`: may give fewer bytes than asked, none at the end of the file.
  func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int
  /// The first `byteCount` bytes of a file, mapped for reading.
  func map(_ descriptor: Int32, byteCount: Int) throws(SystemError) -> Storage
  /// One `write`: may take fewer bytes than given.
  func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int
  /// Takes room on the disk for `byteCount` bytes from `offset` on, beyond the file's end, and leaves
  /// its length as it is. Many file systems cannot.
  func reserve(_ descriptor: Int32, at offset: Int, byteCount: Int) throws(SystemError)
  /// Ends the file after `byteCount` bytes, and gives back what was reserved beyond.
  func truncate(_ descriptor: Int32, to byteCount: Int) throws(SystemError)
  func synchronize(_ descriptor: Int32) throws(SystemError)
  func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError)
  func rename(_ from: String, to: String) throws(SystemError)
  /// Gives a file a second name, failing if the name is taken.
  func link(_ from: String, to: String) throws(SystemError)
  func unlink(_ path: String) throws(SystemError)
  /// What a symbolic link names; EINVAL if it is none.
  func readLink(_ path: String) throws(SystemError) -> String
  /// The absolute path with every symbolic link followed.
  func resolve(_ path: String) throws(SystemError) -> String
  /// The names in a folder, at most `limit` of them, in no order, without `.` and `..`.
  func names(in folder: String, limit: Int) throws(SystemError) -> [String]
}

/// The operating system itself.
package struct SystemFileSystem: FileSystem {
  package init() {}

  private func check(_ result: Int32) throws(SystemError) -> Int32 {
    if result < 0 { throw SystemError(errno) }
    return result
  }

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    // O_NONBLOCK: opening a pipe that nobody writes to must fail later, not hang now.
    try unsafe check(at: path) { unsafe open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  }

  package func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    try unsafe check(at: path) {
      unsafe open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(permissions))
    }
  }

  package func openFolder(_ path: String) throws(SystemError) -> Int32 {
    try unsafe check(at: path) { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
  }

  package func close(_ descriptor: Int32) throws(SystemError) {
    _ = try check(systemClose(descriptor))
  }

  private func status(_ raw: stat) -> FileStatus {
    let kind: FileStatus.Kind
    switch raw.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .folder
    default: kind = .other
    }
    return FileStatus(
      kind: kind, byteCount: Int(raw.st_size), permissions: UInt32(raw.st_mode & 0o7777),
      device: UInt64(truncatingIfNeeded: raw.st_dev),
      inode: UInt64(truncatingIfNeeded: raw.st_ino))
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var raw = stat()
    // SAFETY: the pointer is to a whole local `stat`, valid for the call.
    _ = try check(unsafe fstat(descriptor, &raw))
    return status(raw)
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    var raw = stat()
    // SAFETY: as above.
    _ = try unsafe check(at: path) { unsafe stat($0, &raw) }
    return status(raw)
  }

  package func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int {
    // SAFETY: the kernel writes at most `count` bytes into the span's own memory.
    let got = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe pread(descriptor, buffer.baseAddress, min(buffer.count, mostAtOnce), off_t(offset))
    }
    if got < 0 { throw SystemError(errno) }
    return got
  }

  package func map(_ descriptor: Int32, byteCount: Int) throws(SystemError) -> Storage {
    try Storage(mapping: descriptor, byteCount: byteCount)
  }

  package func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    // SAFETY: the kernel reads at most `count` bytes of the span's own memory.
    let put = unsafe bytes.withUnsafeBytes { buffer in
      unsafe systemWrite(descriptor, buffer.baseAddress, min(buffer.count, mostAtOnce))
    }
    if put < 0 { throw SystemError(errno) }
    return put
  }

  package func reserve(
    _ descriptor: Int32, at offset: Int, byteCount: Int
  ) throws(SystemError) {
    _ = try check(cairn_reserve(descriptor, Int64(offset), Int64(byteCount)))
  }

  package func truncate(_ descriptor: Int32, to byteCount: Int) throws(SystemError) {
    _ = try check(ftruncate(descriptor, off_t(byteCount)))
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) {
    _ = try check(fsync(descriptor))
  }

  package func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError) {
    _ = try check(fchmod(descriptor, mode_t(permissions)))
  }

  package func rename(_ from: String, to: String) throws(SystemError) {
    _ = try unsafe check(at: from, to) { unsafe systemRename($0, $1) }
  }

  package func link(_ from: String, to: String) throws(SystemError) {
    _ = try unsafe check(at: from, to) { unsafe systemLink($0, $1) }
  }

  package func unlink(_ path: String) throws(SystemError) {
    _ = try unsafe check(at: path) { unsafe systemUnlink($0) }
  }

  package func readLink(_ path: String) throws(SystemError) -> String {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    // SAFETY: readlink writes at most the given count, the array's own.
    let count = try unsafe check(at: path) { unsafe readlink($0, &bytes, bytes.count) }
    return SystemPath.text(bytes[..<count].map { UInt8(bitPattern: $0) })
  }

  package func resolve(_ path: String) throws(SystemError) -> String {
    // SAFETY: with a null buffer realpath allocates the result itself, NUL-terminated; its bytes
    // are copied and it is freed.
    var bytes: [UInt8] = []
    _ = try unsafe check(at: path) { path in
      guard let resolved = unsafe realpath(path, nil) else { return -1 }
      defer { unsafe free(resolved) }
      bytes = unsafe Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
      return 0
    }
    return SystemPath.text(bytes)
  }

  package func names(in folder: String, limit: Int) throws(SystemError) -> [String] {
    var names: [String] = []
    _ = try unsafe check(at: folder) { path in
      guard let stream = unsafe opendir(path) else { return -1 }
      defer { unsafe closedir(stream) }
      // SAFETY: an entry is valid until the next call for the same stream, and is copied before; its
      // name ends with a NUL within the record.
      while names.count < limit, let entry = unsafe readdir(stream) {
        let bytes = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
          let start = unsafe UnsafeRawPointer(name)
          return unsafe Array(
            UnsafeRawBufferPointer(
              start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
        }
        if bytes != [0x2E], bytes != [0x2E, 0x2E] { names.append(SystemPath.text(bytes)) }
      }
      return 0
    }
    return names
  }

  /// Calls `body` with a path as the system takes it, and checks its result.
  private func check<Result: SignedInteger>(
    at path: String, _ body: (UnsafePointer<CChar>) -> Result
  ) throws(SystemError) -> Result {
    guard let bytes = SystemPath.bytes(path) else { throw SystemError(EINVAL) }
    // SAFETY: the array ends with a NUL, contains no other NUL, and lives for the call.
    let result = unsafe (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
      unsafe $0.baseAddress.map(body) ?? -1
    }
    if result < 0 { throw SystemError(errno) }
    return result
  }

  private func check(
    at first: String, _ second: String,
    _ body: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32
  ) throws(SystemError) -> Int32 {
    var failure: SystemError?
    let result = try unsafe check(at: first) { first in
      do throws(SystemError) {
        return try unsafe check(at: second) { unsafe body(first, $0) }
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return result
  }
}

/// Linux moves at most 2^31 - 4,096 bytes a call, Darwin refuses more than 2^31 - 1.
private let mostAtOnce = 1 << 30

// Inside the type the names of these calls mean its own methods.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRename(_ from: UnsafePointer<CChar>, _ to: UnsafePointer<CChar>) -> Int32 {
  unsafe rename(from, to)
}
private func systemLink(_ from: UnsafePointer<CChar>, _ to: UnsafePointer<CChar>) -> Int32 {
  unsafe link(from, to)
}
private func systemUnlink(_ path: UnsafePointer<CChar>) -> Int32 { unsafe unlink(path) }
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(descriptor, bytes, count)
}
