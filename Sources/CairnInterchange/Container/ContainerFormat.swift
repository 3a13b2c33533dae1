// Cairn's own container as one of the formats. FORMAT.md.

public import CairnFormat
public import CairnSystem

extension CheckpointFormat {
  /// Cairn's own container.
  public static let cairn = CheckpointFormat(
    name: "cairn", extensions: ["cairn"], lacks: [],
    recognises: { $0.head.starts(with: Container.signature) },
    open: { (place) throws(CairnError) in
      try Container(place.openFile(), options: place.options)
    },
    sink: { path, options, _ in ContainerSink(path: path, options: options) })
}

extension Container: CheckpointSource {
  /// 1 and the minor version.
  public var formatVersion: String? { "\(version.major).\(version.minor)" }

  /// The identity of the content, if the file has digests.
  public var rootDigest: String? { root?.description }

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
