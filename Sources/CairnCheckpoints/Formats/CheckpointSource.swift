// What a reader of a format offers beside the tensors themselves.

public import CairnSystem
import CairnTensors

/// A source of tensors that lies in one or more files.
public protocol CheckpointSource: TensorSource {
  /// The version that the file declares, if its format has versions.
  var formatVersion: String? { get }

  /// The bytes of all files that the checkpoint is made of.
  var fileByteCount: Int { get }

  /// Whether that is more than one file.
  var spansFiles: Bool { get }

  /// The most bytes that are decoded to read one of them; 0 where elements are read as they are needed.
  var blockByteCount: Int { get }

  /// What ``check(_:progress:)`` holds the content against, in words; nil if the file has no checksums.
  var checksums: String? { get }

  /// How every tensor is kept, by index.
  func storages() throws(CairnError) -> [TensorStorage]

  /// Checks what the format has checksums for; deep, also every element.
  ///
  /// - Throws: the first violation.
  func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError)
}

extension CheckpointSource {
  /// One file.
  public var spansFiles: Bool { false }
  /// Elements are read as they are needed.
  public var blockByteCount: Int { 0 }
  /// None.
  public var formatVersion: String? { nil }
  /// None.
  public var checksums: String? { nil }

  /// Every tensor as it is.
  public func storages() throws(CairnError) -> [TensorStorage] {
    var storages: [TensorStorage] = []
    storages.reserveCapacity(count)
    for index in 0..<count {
      storages.append(.init(codec: "raw", storedByteCount: try entry(at: index).byteCount))
    }
    return storages
  }

  /// Opening has checked the structure; deep, every element is read and must be one that its type
  /// allows.
  public func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}
