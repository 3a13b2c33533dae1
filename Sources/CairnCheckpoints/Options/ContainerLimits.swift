// What a reader of containers accepts at most. FORMAT.md, section 16.

/// Upper bounds that are checked before anything is allocated. The defaults are the format's own
/// limits; a reader's policy can lower them, and values above the format's have no effect.
public struct ContainerLimits: Hashable, Sendable {
  /// Tensors in a file, aliases included.
  public var tensorCount = 1 << 24
  /// Blocks of all tensors.
  public var blockCount = 1 << 27
  /// Bytes of the index.
  public var indexByteCount = 4 << 30
  /// Bytes of the metadata.
  public var metadataByteCount = 16 << 20
  /// Bytes of the configuration, which is parsed whenever a file is opened.
  public var configurationByteCount = 16 << 20
  /// Bytes of one blob's content.
  public var blobByteCount = 256 << 20
  /// Frames of metadata, configuration and blobs.
  public var attachmentCount = 65_536
  /// Bytes of one note.
  public var noteByteCount = 64 << 10
  /// Nesting of the configuration.
  public var configurationDepth = 128

  /// The format's limits.
  public init() {}

  /// The format's limits.
  package static let format = ContainerLimits()
}
