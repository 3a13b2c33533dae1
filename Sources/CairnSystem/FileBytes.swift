// A file open for reading: by `pread`, which no truncation can turn into a signal, or mapped.

/// How a file's bytes are reached.
public enum FileAccess: String, Sendable, CaseIterable {
  /// `pread` for every access: works on every file system, fails with an error, never a signal.
  case positioned
  /// The file is mapped: raw tensors are used in place. If another process truncates the file,
  /// or a network file system loses it, reading raises SIGBUS.
  case mapped
}

/// A regular file, read by position.
package final class FileBytes: ByteSource {
  /// The number of bytes when the file was opened.
  package let count: Int
  /// The path as the caller gave it.
  package let path: String?
  /// The mapped bytes, if the file is mapped.
  package let memory: ByteRegion?
  private let descriptor: Int32
  private let files: any FileSystem

  /// Opens the file at `path`.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `notARegularFile`, `inputOutput`.
  package convenience init(path: String, access: FileAccess = .positioned) throws(CairnError) {
    try self.init(path: path, access: access, files: SystemFileSystem())
  }

  package init(
    path: String, access: FileAccess = .positioned, files: any FileSystem
  ) throws(CairnError) {
    try checkPath(path)
    do throws(SystemError) {
      let descriptor = try retrying { () throws(SystemError) in try files.openForReading(path) }
      do throws(SystemError) {
        let status = try retrying { () throws(SystemError) in try files.status(of: descriptor) }
        guard status.kind == .regular else {
          throw SystemError(SystemError.notRegular)
        }
        self.count = status.byteCount
        if access == .mapped {
          let storage = try files.map(descriptor, byteCount: status.byteCount)
          self.memory = ByteRegion(storage, 0..<status.byteCount)
        } else {
          self.memory = nil
        }
      } catch {
        try? files.close(descriptor)
        throw error
      }
      self.descriptor = descriptor
    } catch {
      if error.number == SystemError.notRegular {
        throw CairnError(
          .notARegularFile, "not a regular file", at: .init(file: path),
          advice: "Name a file, not a folder or a device")
      }
      throw error.error("open", path: path)
    }
    self.path = path
    self.files = files
  }

  deinit {
    // Nothing was written through this descriptor: there is no failure to report.
    try? files.close(descriptor)
  }

  /// Fills `bytes` from `offset` on, from the file as it is now.
  ///
  /// - Throws: `changedWhileReading` if the bytes end before `bytes` is full; `inputOutput`.
  package func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    if let memory { return try memory.read(at: offset, into: &bytes, path: path) }
    try checkBytes(count: bytes.count, at: offset)
    let path = path ?? ""
    var done = 0
    while done < bytes.count {
      try Cancellation.check()
      let end = done + min(Cancellation.callByteCount, bytes.count - done)
      let got: Int
      do throws(SystemError) {
        got = try bytes.withPart(done..<end) { (rest) throws(SystemError) in
          try files.read(descriptor, at: offset + done, into: &rest)
        }
      } catch .interrupted {
        continue
      } catch {
        throw error.error("read", path: path).located(offset: UInt64(offset + done))
      }
      guard got > 0 else {
        throw CairnError(
          .changedWhileReading, "the file ends before it should",
          at: .init(file: path, offset: UInt64(offset + done)),
          expected: "\(bytes.count - done) more bytes", found: "the end of the file",
          advice: "The file is being changed by another program, or is cut short")
      }
      done += got
    }
  }
}

extension SystemError {
  /// Not one of the system's error numbers: the file is not a regular one.
  fileprivate static let notRegular: Int32 = -1
}

/// Runs a system call again for as long as a signal interrupts it.
package func retrying<R>(_ call: () throws(SystemError) -> R) throws(SystemError) -> R {
  while true {
    do throws(SystemError) { return try call() } catch .interrupted { continue } catch {
      throw error
    }
  }
}
