// Cairn's own container as one of the formats. FORMAT.md.

public import CairnCheckpoints
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Cairn's own container.
  public static let cairn = CheckpointFormat(
    name: "cairn", extensions: ["cairn"], lacks: [],
    recognises: { $0.head.starts(with: Container.signature) },
    open: { (place) throws(CairnError) in
      try Container(place.openFile(), options: place.options)
    },
    sink: { ContainerSink(target: $0) })
}

/// A container that takes all of a source, or refuses one that holds what was never read.
private struct ContainerSink: TensorSink {
  let target: WriteTarget

  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try CheckpointFormat.cairn.refuse(source, accepting: target.losses)
    try target.options.check()
    return try Container.write(
      source, with: ContainerWriter(output: BlockSink(target.open()), options: target.options),
      progress: progress
    ).fileByteCount
  }
}

extension Container: CheckpointSource, FileBacked {
  /// The path, or nil for memory.
  package var filePath: String? { path }

  /// 1 and the minor version.
  package var formatVersion: String? { "\(version.major).\(version.minor)" }

  /// A chunk.
  package var blockByteCount: Int { 1 << log2ChunkSize }

  /// Those of every byte.
  package var checksums: String? { "every checksum" }

  var noteRemarks: [String] {
    // Errors in the frames are reported by the code that reads them.
    guard let notes = try? notes(), !notes.isEmpty else { return [] }
    let list = notes.map { "\($0.count) of type \($0.type)" }.joined(separator: ", ")
    return ["the file has notes, which a copy will not have: \(list)"]
  }

  /// Checks the whole file: structure and every checksum; deep, also content and digests.
  ///
  /// - Throws: the first violation.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    _ = try verify(level, progress: progress)
  }
}
