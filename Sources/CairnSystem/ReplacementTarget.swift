// Where a save really goes: through symbolic links, to a folder and a name in it.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The file that a save makes or replaces.
struct ReplacementTarget {
  /// The absolute path of the folder, without symbolic links: a later `chdir` or a link that is
  /// turned elsewhere between the steps of a save changes nothing.
  let folder: String
  /// The name within the folder.
  let name: String
  /// The permission bits of the file that is there, if one is.
  let permissions: UInt32?
  /// The length of the file that is there.
  let byteCount: Int

  /// The absolute path.
  var path: String { folder == "/" ? "/" + name : folder + "/" + name }

  /// The target of a save to `path`.
  ///
  /// - Throws: `alreadyExists` if `replacing` is false and the file is there; `notARegularFile`,
  ///   `notFound` (of the folder), `permissionDenied`.
  init(path: String, replacing: Bool, files: any FileSystem) throws(CairnError) {
    do throws(SystemError) {
      var place = path
      // As many links as the kernel follows. `status` follows them itself; a link has to be read
      // only at the end of a chain that leads to nothing.
      for _ in 0..<40 {
        if let status = try Self.status(at: place, files) {
          guard status.kind == .regular else {
            throw SystemError(status.kind == .folder ? EISDIR : Self.special)
          }
          guard replacing else { throw SystemError(EEXIST) }
          (folder, name) = SystemPath.split(try Self.resolve(place, files))
          permissions = status.permissions & 0o777
          byteCount = status.byteCount
          return
        }
        guard let link = try Self.link(at: place, files) else {
          let (folder, name) = SystemPath.split(place)
          guard !name.isEmpty else { throw SystemError(EISDIR) }
          self.folder = try Self.resolve(folder, files)
          self.name = name
          permissions = nil
          byteCount = 0
          return
        }
        place =
          link.utf8.first == UInt8(ascii: "/") ? link : SystemPath.split(place).folder + "/" + link
      }
      throw SystemError(ELOOP)
    } catch {
      switch error.number {
      case Self.special:
        throw CairnError(
          .notARegularFile, "cannot replace what is no regular file", at: .init(file: path),
          advice: "Name a regular file")
      case EISDIR:
        throw CairnError(
          .notARegularFile, "the path names a folder", at: .init(file: path), advice: "Name a file")
      case EEXIST:
        throw CairnError(
          .alreadyExists, "the file exists and was not to be replaced", at: .init(file: path),
          advice: "Choose another name, or allow replacing it")
      default: throw error.error("write", path: path)
      }
    }
  }

  /// Not one of the system's error numbers: a device, a socket, a pipe.
  private static let special: Int32 = -2

  private static func status(
    at path: String, _ files: any FileSystem
  ) throws(SystemError) -> FileStatus? {
    do throws(SystemError) {
      return try retrying { () throws(SystemError) in try files.status(at: path) }
    } catch {
      if error.number == ENOENT { return nil }
      throw error
    }
  }

  /// What the symbolic link at `path` names; nil if there is none.
  private static func link(
    at path: String, _ files: any FileSystem
  ) throws(SystemError) -> String? {
    do throws(SystemError) {
      return try retrying { () throws(SystemError) in try files.readLink(path) }
    } catch {
      if error.number == ENOENT || error.number == EINVAL { return nil }
      throw error
    }
  }

  private static func resolve(
    _ path: String, _ files: any FileSystem
  ) throws(SystemError) -> String {
    try retrying { () throws(SystemError) in try files.resolve(path) }
  }
}

/// Checks that `path` can be handed to the system.
///
/// - Throws: `invalidArgument` if it is empty or holds a NUL, at which the system would cut it off.
func checkPath(_ path: String) throws(CairnError) {
  guard !path.isEmpty else {
    throw CairnError(.invalidArgument, "the path is empty", advice: "Name a file")
  }
  guard SystemPath.bytes(path) != nil else {
    throw CairnError(
      .invalidArgument, "the path holds a NUL character", at: .init(file: path.debugDescription))
  }
}
