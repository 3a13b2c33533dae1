// Writing a safetensors file: one pass over the source, a window of memory, all or nothing.

public import CairnCheckpoints
public import CairnSystem
import CairnTensors

/// A safetensors file that takes all tensors of a source.
///
/// The same content gives the same bytes. A file that the format's own library wrote comes out as
/// it was, byte for byte, if its metadata has at most one key or its keys ascend by bytes: the
/// library writes keys in no particular order, and an empty `__metadata__`, which is left out here.
///
/// The format has no ties, no configuration, no blobs, no metadata but texts, and not all element
/// types. What it has no place for is refused unless the caller accepts the loss.
public struct SafetensorsWriter: Sendable {
  /// How a file is written.
  public struct Options: Hashable, Sendable {
    /// What may be lost of a source that the format cannot hold; nothing unless set.
    public var accepting: AcceptedLosses = []
    /// Whether a file that is there already is replaced; true unless set otherwise.
    public var replacing = true
    /// What the file survives; a loss of power unless set otherwise.
    public var durability: Durability = .synchronized

    /// The default options.
    public init() {}
  }

  /// The most bytes of tensors in memory at a time.
  package static let windowByteCount = 4 << 20

  private let path: String
  private let options: Options
  private let files: any FileSystem
  private let proof: SaveProof?

  /// A file to be written at `path`. Nothing is done before the first source comes.
  public init(path: String, options: Options = Options()) {
    self.init(path: path, options: options, files: SystemFileSystem())
  }

  package init(
    path: String, options: Options = Options(), files: any FileSystem, proof: SaveProof? = nil
  ) {
    self.path = path
    self.options = options
    self.files = files
    self.proof = proof
  }

  /// The bytes of a file with everything that `source` has.
  ///
  /// - Parameters:
  ///   - source: What to write.
  ///   - losses: What may be lost of it.
  ///   - budget: The most bytes of tensors to hold; the machine's memory unless given.
  /// - Throws: `cannotHold` for what the format has no place for and `losses` does not name;
  ///   `overBudget`, and what reading the source needs.
  public static func bytes(
    of source: any TensorSource, accepting losses: AcceptedLosses = [], budget: Int? = nil
  ) throws(CairnError) -> [UInt8] {
    let layout = try SafetensorsLayout(of: source, accepting: losses)
    let budget = budget ?? physicalMemory()
    guard layout.dataByteCount <= budget else {
      throw CairnError(
        .overBudget, "the tensors take more memory than is allowed",
        expected: "at most \(budget) bytes", found: "\(layout.dataByteCount)",
        advice: "Write to a file")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layout.header.count + layout.dataByteCount)
    try write(layout, of: source, progress: { (_) throws(CairnError) in }) { part in
      bytes += part.array
    }
    return bytes
  }

  static func write(
    _ layout: SafetensorsLayout, of source: any TensorSource, progress: ProgressHandler,
    to append: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try append(layout.header.span)
    // Small tensors gather in the window until it is full; large ones go through it in parts.
    let window = try Storage(
      byteCount: min(windowByteCount, max(layout.dataByteCount, 1)), zeroed: false)
    var filled = 0
    var done = 0
    for (index, byteCount) in layout.data {
      var offset = 0
      while offset < byteCount {
        let count = min(byteCount - offset, window.byteCount - filled)
        try window.withMutableBytes(in: filled..<filled + count) { (bytes) throws(CairnError) in
          try source.read(at: index, from: offset, into: &bytes)
        }
        offset += count
        filled += count
        done += count
        if filled == window.byteCount {
          try window.withBytes(in: 0..<filled, append)
          filled = 0
          try progress(Progress(done: done, total: layout.dataByteCount))
        }
      }
    }
    if filled > 0 { try window.withBytes(in: 0..<filled, append) }
    try progress(Progress(done: done, total: layout.dataByteCount))
  }
}

extension SafetensorsWriter: TensorSink {
  /// Writes the file: the one that was there is untouched until the new one is whole.
  ///
  /// - Throws: `cannotHold` for what the format has no place for and the options do not accept to
  ///   lose; `alreadyExists`, `notARegularFile`, `permissionDenied`, `noSpace`, `inputOutput`; what
  ///   reading the source needs and what `progress` throws.
  public mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) {
    let layout = try SafetensorsLayout(of: source, accepting: options.accepting)
    let file = try AtomicFile(
      path: path, replacing: options.replacing, durability: options.durability, files: files,
      proof: proof)
    try Self.write(layout, of: source, progress: progress) { (part) throws(CairnError) in
      try file.append(part)
    }
    try file.commit()
  }
}
