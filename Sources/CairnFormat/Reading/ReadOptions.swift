// How a container is read.

public import CairnSystem

/// The choices of whoever opens a file.
public struct ReadOptions: Sendable {
  /// How the file's bytes are reached.
  public var access = FileBytes.Access.positioned
  /// Threads that decode.
  public var threads = Threads.all
  /// Upper bounds; the defaults are the format's own.
  public var limits = Limits.format
  /// Whether a raw tensor that is used in place, in a mapped file, has its checksums verified when
  /// it is asked for. Without it, ``Container/checkBlocks(at:)`` does so when the caller likes.
  public var checksTensorsInPlace = true

  package var files: any FileSystem = SystemFileSystem()

  /// The defaults.
  public init() {}
}
