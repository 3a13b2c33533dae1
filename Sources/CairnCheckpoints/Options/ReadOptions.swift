// How a checkpoint is read.

public import CairnSystem

/// The choices of the code that opens a file.
public struct ReadOptions: Sendable {
  /// How the file's bytes are reached.
  public var access = FileAccess.positioned
  /// Threads that decode.
  public var threads = Threads.all
  /// Upper bounds; the defaults are the format's own.
  public var limits = ContainerLimits.format
  /// Whether a raw tensor that is used in place, in a mapped file, has its checksums verified when
  /// it is asked for. Without it, `checkBlocks(at:)` of a container does so when the caller likes.
  public var checksTensorsInPlace = true

  /// Whether data in a companion file that is missing is listed as not read and does not hide the
  /// rest: for callers who choose what they need.
  package var allowsMissingFiles = false
  package var files: any FileSystem = SystemFileSystem()

  /// The defaults.
  public init() {}
}
