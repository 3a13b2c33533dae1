// How a checkpoint is written.

public import CairnSystem

/// The choices of the code that writes a file. Formats without chunks, digests or coding ignore
/// what does not concern them.
public struct WriteOptions: Sendable {
  /// Whether tensors are compressed.
  public enum Codec: String, Sendable, CaseIterable {
    /// Each chunk as one zlib stream, or as it is where that would not make it smaller.
    case auto
    /// All tensors as they are, aligned, so that a mapped file is a usable buffer.
    case raw
  }

  /// The sizes of chunks that there are, in bytes.
  public enum ChunkSize: Int, Sendable, CaseIterable {
    case kilobytes64 = 0x1_0000
    case kilobytes128 = 0x2_0000
    case kilobytes256 = 0x4_0000
    case kilobytes512 = 0x8_0000
    case megabyte = 0x10_0000
    case megabytes2 = 0x20_0000
    case megabytes4 = 0x40_0000
    case megabytes8 = 0x80_0000
    case megabytes16 = 0x100_0000
  }

  /// The multiples of bytes at which raw tensors may begin.
  public enum Alignment: Int, Sendable, CaseIterable {
    case bytes64 = 64
    case bytes4096 = 4_096
    case bytes16384 = 16_384
    case bytes65536 = 65_536
  }

  /// Threads that code.
  public var threads = Threads.all
  /// Whether tensors are compressed.
  public var codec = Codec.auto
  /// What a chunk holds at most.
  public var chunkSize: ChunkSize {
    get { ChunkSize(rawValue: 1 << log2ChunkSize) ?? .megabyte }
    set { log2ChunkSize = newValue.rawValue.trailingZeroBitCount }
  }
  /// Where raw tensors begin.
  public var alignment: Alignment {
    get { Alignment(rawValue: 1 << log2Alignment) ?? .bytes64 }
    set { log2Alignment = newValue.rawValue.trailingZeroBitCount }
  }
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

  /// The same as powers of two, as files have them.
  package var log2ChunkSize = 20
  package var log2Alignment = 6
  package var files: any FileSystem = SystemFileSystem()
  /// A check that the written files must pass before anything that was there is replaced.
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
