// How a checkpoint is written.

public import CairnSystem

/// The choices of whoever writes a file. Formats without chunks, digests or coding ignore what does
/// not concern them.
public struct WriteOptions: Sendable {
  /// Whether tensors are compressed.
  public enum Codec: String, Sendable, CaseIterable {
    /// Each chunk as one zlib stream, or as it is where that would not make it smaller.
    case auto
    /// All tensors as they are, aligned, so that a mapped file is a usable buffer.
    case raw
  }

  /// Threads that code.
  public var threads = Threads.all
  /// Whether tensors are compressed.
  public var codec = Codec.auto
  /// log2 of the bytes a chunk holds at most, 16 to 24.
  public var log2ChunkSize = 20
  /// log2 of the alignment of raw tensors: 6, 12, 14 or 16.
  public var log2Alignment = 6
  /// Whether content digests (SHA-256) are computed and kept.
  public var digests = true
  /// What holds once the save has returned.
  public var durability = Durability.synchronized
  /// The most bytes of tensors in a file of a format that spreads them over several; a larger tensor has
  /// a file of its own. 5 GB, as huggingface_hub, unless set otherwise.
  public var shardByteCount = 5_000_000_000
  /// Whether a file that is there may be replaced.
  public var replacing = true
  /// Whether far more bytes may be written than the source has: of tensors that are nearly all zeros, or
  /// have many names. Refused otherwise (`overBudget`), since a small file could fill a disk.
  public var expands = false

  package var files: any FileSystem = SystemFileSystem()
  /// What must hold of what was written before anything that was there is replaced.
  package var proof: SaveProof?

  /// The defaults.
  public init() {}

  /// A file at `path` that is written as the options say.
  ///
  /// - Throws: as `AtomicFile`.
  package func file(at path: String) throws(CairnError) -> AtomicFile {
    try AtomicFile(
      path: path, replacing: replacing, durability: durability, files: files, proof: proof)
  }
}
