// Cairn's own container as one of the formats. FORMAT.md.

public import CairnCheckpoints
public import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Cairn's own container.
  public static let cairn = CheckpointFormat(
    name: "cairn", extensions: ["cairn"], lacks: [],
    recognises: { $0.head.starts(with: Container.signature) },
    open: { (place) throws(CairnError) in
      try Container(place.openFile(), options: place.options)
    },
    sink: { path, options, losses in
      CompleteContainerSink(path: path, options: options, losses: losses)
    })
}

/// A container that takes all of a source, or refuses one that holds what was never read.
private struct CompleteContainerSink: TensorSink {
  let path: String
  let options: WriteOptions
  let losses: AcceptedLosses

  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) {
    try CheckpointFormat.cairn.refuse(source, accepting: losses)
    var sink = ContainerSink(path: path, options: options)
    try sink.write(source, progress: progress)
  }
}

extension Container: CheckpointSource {
  /// 1 and the minor version.
  public var formatVersion: String? { "\(version.major).\(version.minor)" }

  /// A chunk.
  public var blockByteCount: Int { 1 << log2ChunkSize }

  /// Those of every byte.
  public var checksums: String? { "every checksum" }

  /// The identity of the content, if the file has digests.
  public var rootDigest: String? { root?.description }

  /// That notes are not copied, if there are any.
  public var remarks: [String] {
    // What is wrong with the frames is for whoever reads them to say.
    guard let notes = try? notes(), !notes.isEmpty else { return [] }
    let list = notes.map { "\($0.count) of type \($0.type)" }.joined(separator: ", ")
    return ["the file has notes, which a copy will not have: \(list)"]
  }

  /// How every tensor is kept, by index.
  public func tensorStorages() throws(CairnError) -> [CheckpointFile.Storage] {
    try storages().map { summary in
      CheckpointFile.Storage(
        codec: summary.codec, storedByteCount: summary.storedByteCount,
        digest: summary.digest?.description)
    }
  }

  /// Checks the whole file: structure and every checksum; deep, also content and digests.
  ///
  /// - Throws: the first violation.
  public func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    _ = try verify(level, progress: progress)
  }
}
