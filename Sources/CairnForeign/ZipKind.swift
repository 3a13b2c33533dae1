// Finds the format of an archive: by the names in its directory; if the directory is lost, by the
// names in front of its first members; and by its extension, if the names allow that.

import CairnCheckpoints
import CairnSystem

/// The members of a `.keras` archive.
package enum KerasMember {
  package static let configuration = "config.json"
  package static let metadata = "metadata.json"
  package static let weights = "model.weights.h5"
}

/// A format that is an archive.
enum ZipKind {
  case keras, numpy, torch

  static let kerasExtensions = ["keras"]
  static let numpyExtensions = ["npz"]
  static let torchExtensions = ["pt", "pth", "bin", "ckpt"]
  /// The ending of the name of a NumPy array.
  static let arraySuffix = ".npy"

  /// The kind of the archive at `place`; nil for a file that is not an archive, or is one of
  /// another kind.
  init?(_ place: CheckpointPlace) {
    guard let file = place.file, let names = ZipNames(file, head: place.head) else { return nil }
    let isNumPy = names.contains { $0.reversed().starts(with: Self.arraySuffix.utf8.reversed()) }
    let parts = [
      KerasMember.weights, KerasMember.configuration, KerasMember.metadata,
    ].filter { part in names.contains { $0.elementsEqual(part.utf8) } }
    if isNumPy, place.hasExtension(Self.numpyExtensions) {
      self = .numpy
    } else if !parts.isEmpty, place.hasExtension(Self.kerasExtensions) {
      self = .keras
    } else if names.contains(where: { Self.isOfTorch($0) }) {
      self = .torch
    } else if parts.first == KerasMember.weights || parts.count == 2 {
      self = .keras
    } else if isNumPy {
      self = .numpy
    } else if !names.isWhole, names.contains(where: { Self.isBesideTorch($0) }) {
      self = .torch
    } else if !names.isWhole, !parts.isEmpty {
      self = .keras
    } else if place.hasExtension(Self.numpyExtensions) {
      self = .numpy
    } else if place.hasExtension(Self.kerasExtensions) {
      self = .keras
    } else if !names.isWhole, place.hasExtension(Self.torchExtensions) {
      self = .torch
    } else if names.isWhole, names.isEmpty {
      // `numpy.savez` without arrays writes such a file.
      self = .numpy
    } else {
      return nil
    }
  }

  /// Whether a member is the pickle of a checkpoint, or a member that identifies other archives of
  /// PyTorch.
  private static func isOfTorch(_ name: [UInt8]) -> Bool {
    let parts = ByteKey(name).split(at: "/")
    return TorchMembers.isPickle(parts) || TorchMembers.foreignKind(parts) != nil
  }

  /// Whether a member is one that PyTorch writes beside the pickle: `NAME/version` …
  private static func isBesideTorch(_ name: [UInt8]) -> Bool {
    let parts = ByteKey(name).split(at: "/")
    guard parts.count == 2 || parts.count == 3 else { return false }
    if parts.count == 3 { return [".data", "data"].contains(parts[1]) }
    return ["byteorder", "version", ".format_version", ".storage_alignment"].contains(parts[1])
  }
}

/// The first names of an archive's members; the archive may be broken.
private struct ZipNames {
  private var names: [[UInt8]] = []
  /// Whether the names are those of the directory.
  private(set) var isWhole = false

  /// The most names that are looked at, and the most bytes of the directory.
  private static let maximumCount = 1 << 14
  private static let maximumByteCount = 1 << 20

  init?(_ file: any ByteSource, head: [UInt8]) {
    let isEmpty = head.starts(with: [0x50, 0x4B, 5, 6])
    guard isEmpty || head.starts(with: [0x50, 0x4B, 3, 4]) else { return nil }
    if let directory = try? ZipDirectory(file, memberLimit: .max, allowsTail: true) {
      isWhole = true
      let end = min(directory.range.upperBound, directory.range.lowerBound + Self.maximumByteCount)
      var reader = ByteCursor(file, in: directory.range.lowerBound..<end)
      while names.count < Self.maximumCount,
        let name = try? Self.name(ZipArchive.centralSignature, &reader)
      {
        names.append(name)
      }
    }
    guard names.isEmpty, !isEmpty else { return }
    isWhole = false
    var reader = ByteCursor(file, in: 0..<file.count)
    while names.count < 64, let name = try? Self.name(ZipMember.localSignature, &reader) {
      names.append(name)
    }
  }

  var isEmpty: Bool { names.isEmpty }

  func contains(where fits: ([UInt8]) -> Bool) -> Bool { names.contains(where: fits) }

  /// The name of the next member: from the directory, or from in front of the member's data, which
  /// is skipped.
  private static func name(
    _ signature: UInt32, _ reader: inout ByteCursor
  ) throws(CairnError) -> [UInt8] {
    guard try reader.integer() == signature else {
      throw reader.failure(.invalidArchive, "no further member")
    }
    let isLocal = signature == ZipMember.localSignature
    try reader.skip(isLocal ? 2 : 4)
    let fields = try ZipFields(&reader)
    guard isLocal else {
      let comment: UInt16 = try reader.integer()
      try reader.skip(12)
      let name = try reader.bytes(Int(fields.nameCount))
      try reader.skip(Int(fields.extraCount) + Int(comment))
      return name
    }
    let name = try reader.bytes(Int(fields.nameCount))
    // The data may be cut off; then there is no next member.
    try? reader.skip(min(Int(fields.extraCount) + Int(fields.stored), reader.remaining))
    return name
  }
}
