// Replacing a file so that at every moment either the old or the new one is there, whole:
// temporary file in the same folder, write, fsync, rename, fsync of the folder.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
import Synchronization

/// What a save promises once it has returned.
public enum Durability: String, Sendable, CaseIterable {
  /// The file and its folder are synchronised: the new file survives a loss of power.
  case synchronized
  /// No fsync: after a loss of power the file may be the old one, or incomplete and refused. The
  /// rename is made all the same, so a crash of the program alone loses nothing.
  case none
}

/// A file being written that takes its target's place when it is committed, and vanishes when not.
package final class AtomicFile {
  private let files: any FileSystem
  private let target: String
  private let temporary: String
  private let path: String
  private let replacing: Bool
  private let durability: Durability
  private var descriptor: Int32
  private var written = 0

  /// A temporary file beside `path`. A symbolic link is followed: its target will be replaced.
  ///
  /// - Throws: `alreadyExists` if `replacing` is false and the file is there; `notARegularFile`,
  ///   `notFound` (of the folder), `permissionDenied`, `noSpace`.
  package init(
    path: String, replacing: Bool = true, durability: Durability = .synchronized,
    files: any FileSystem = SystemFileSystem()
  ) throws(CairnError) {
    self.files = files
    self.path = path
    self.replacing = replacing
    self.durability = durability
    guard !path.isEmpty else {
      throw CairnError(.invalidArgument, "the path is empty", at: .init(file: path))
    }
    var target = path
    var permissions: UInt32?
    do throws(SystemError) {
      let status = try files.status(at: path)
      guard status.kind == .regular else {
        throw SystemError(status.kind == .folder ? EISDIR : Self.special)
      }
      permissions = status.permissions
      guard replacing else { throw SystemError(EEXIST) }
      target = try files.resolve(path)
    } catch {
      switch error.number {
      case ENOENT:
        if path.hasSuffix("/") {
          throw CairnError(
            .notARegularFile, "the path names a folder", at: .init(file: path),
            advice: "Name a file")
        }
      case Self.special:
        throw CairnError(
          .notARegularFile, "cannot replace what is no regular file", at: .init(file: path),
          advice: "Name a regular file")
      case EEXIST:
        throw CairnError(
          .alreadyExists, "the file exists and was not to be replaced", at: .init(file: path),
          advice: "Choose another name, or allow replacing it")
      default: throw error.error("write", path: path)
      }
    }
    self.target = target
    let (folder, name) = Self.split(target)
    var attempt = 0
    while true {
      // Process id and a counter: unique among the living; a leftover of a dead process is skipped.
      let serial = Self.counter.add(1, ordering: .relaxed).newValue
      let candidate = "\(folder)/.\(name.prefix(180)).\(getpid()).\(serial).tmp"
      do throws(SystemError) {
        self.descriptor = try retrying { () throws(SystemError) in
          try files.create(candidate, permissions: 0o666)
        }
        self.temporary = candidate
        break
      } catch {
        attempt += 1
        if error.number == EEXIST, attempt < 1_000 { continue }
        throw error.error("create a file in \(folder)", path: path)
      }
    }
    if let permissions {
      do throws(SystemError) {
        try files.setPermissions(descriptor, permissions)
      } catch {
        let failure = error.error("keep the file's mode", path: path)
        discard()
        throw failure
      }
    }
  }

  deinit { discard() }

  private static let special: Int32 = -2
  private static let counter = Atomic<Int>(0)

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
  }

  private func discard() {
    guard descriptor >= 0 else { return }
    try? files.close(descriptor)
    try? files.unlink(temporary)
  }

  /// Appends `bytes`.
  ///
  /// - Throws: `noSpace`, `inputOutput`.
  package func append(_ bytes: Span<UInt8>) throws(CairnError) {
    var done = 0
    while done < bytes.count {
      do throws(SystemError) {
        let put = try files.write(descriptor, bytes.extracting(done..<bytes.count))
        // A write that takes nothing and reports nothing would make this loop endless.
        guard put > 0 else { throw SystemError.inputOutput }
        done += put
      } catch .interrupted {
        continue
      } catch {
        throw error.error("write", path: path).located(offset: UInt64(written + done))
      }
    }
    written += done
  }

  /// Makes the file durable and puts it in its target's place.
  ///
  /// A failed fsync is a failed save and is not tried again: after it the kernel may have dropped
  /// the very pages that it could not write. If the folder's fsync fails, the new file is in place
  /// but not known to be durable, and the error says so.
  package func commit() throws(CairnError) {
    do throws(SystemError) {
      if durability == .synchronized { try files.synchronize(descriptor) }
      let closing = descriptor
      descriptor = -1
      do throws(SystemError) {
        try files.close(closing)
        if replacing {
          try files.rename(temporary, to: target)
        } else {
          try files.link(temporary, to: target)
          try? files.unlink(temporary)
        }
      } catch {
        try? files.unlink(temporary)
        throw error
      }
    } catch {
      throw error.error("put the new file in place", path: path)
    }
    guard durability == .synchronized else { return }
    do throws(SystemError) {
      let folder = try files.openFolder(Self.split(target).folder)
      do throws(SystemError) {
        try files.synchronize(folder)
      } catch {
        try? files.close(folder)
        throw error
      }
      try files.close(folder)
    } catch {
      throw error.error(
        "make the new file's name durable (the file itself is in place)", path: path)
    }
  }
}
