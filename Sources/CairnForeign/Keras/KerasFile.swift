// Keras 3's `.keras`: an archive of the configuration, the weights in HDF5, and assets.
// Keras `saving/saving_lib.py`.

package import CairnCheckpoints
import CairnContainer
import CairnJSON
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// A whole model of Keras 3, for reading.
  package static let kerasReader = CheckpointFormat(
    name: "keras", extensions: ZipKind.kerasExtensions, lacks: [],
    recognises: { ZipKind($0) == .keras },
    open: { (place) throws(CairnError) in
      try KerasFile(place.openFile(), limits: place.options.limits)
    })
}

/// A `.keras` file: the datasets of its weights as tensors, by their paths (`layers/dense/vars/0`).
///
/// The configuration is `config.json`. The metadata are those of the weights and of
/// `metadata.json`. Assets are blobs. Nothing in the file is executed or looked up: a configuration
/// that names a class that Cairn does not have, such as a `Lambda`, is kept as text.
package struct KerasFile: TableSource {
  private let archive: ZipArchive
  private let weights: HDF5File
  /// The metadata are the attributes of the weights and the members of `metadata.json`. The
  /// configuration is `config.json`, in canonical form. Assets are blobs. Opaque items are what the
  /// weights have besides arrays of numbers and texts. Remarks name attributes that metadata cannot
  /// hold.
  package let attachments: Attachments

  var table: TensorTable { weights.table }
  /// The path of the archive, even if the weights were read into memory.
  package var filePath: String? { archive.source.path }
  /// Bytes of the file.
  package var fileByteCount: Int { archive.source.count }
  /// Keras's version, if the file says it.
  package var formatVersion: String? {
    if case .string(let text) = metadata["keras_version"] { text } else { nil }
  }

  /// Opens a file whose bytes `source` has.
  ///
  /// Keras stores members without compression. Members that were deflated later are read within
  /// bounds that depend on the archive's size.
  ///
  /// - Throws: what is wrong with the archive, as ``NPZFile/init(_:limits:)``; with the weights, as
  ///   ``HDF5File/init(_:limits:)``; `missingFile` for a member that is not there;
  ///   `invalidConfiguration`.
  package init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    do throws(CairnError) {
      let archive = try ZipArchive(source, memberLimit: min(limits.attachmentCount, 1 << 20))
      self.archive = archive
      // One budget for all of them together, whatever each may take alone.
      let budget = Budget(
        bytes: source.count.allowance(times: 16, plus: 16 << 20),
        for: "what the archive's compressed members inflate to",
        advice: "Keras does not compress them. Save the model again")
      for member in archive.members
      where member.method == .deflated && !KerasMember.weights.isSpelt(as: member.name) {
        try budget.take(bytes: member.byteCount)
      }
      let configuration = try ConfigurationText(
        parsing: Self.text(
          KerasMember.configuration, in: archive,
          limit: min(
            limits.configurationByteCount,
            source.count.allowance(times: 4, plus: 1 << 20)))
      ).canonical()
      weights = try Self.weights(in: archive, limits)
      var metadata = weights.metadata
      var leftOut: [String] = []
      if archive.member(KerasMember.metadata) != nil {
        let text = try Self.text(
          KerasMember.metadata, in: archive, limit: min(1 << 20, limits.metadataByteCount))
        for (key, value) in try Self.pairs(text) {
          guard let name = try? TensorName(key) else {
            leftOut.append(
              "The member ‘\(key.excerpt)’ of metadata.json is left out: metadata has no such key.")
            continue
          }
          if let other = metadata[name], other != value {
            // Both values are kept. The one of the weights goes under a key with the weights' name
            // in front.
            metadata[try TensorName("\(KerasMember.weights)/\(key)")] = other
          }
          metadata[name] = value
        }
      }
      var others: [(name: TensorName, member: ZipMember)] = []
      let known = [KerasMember.configuration, KerasMember.metadata, KerasMember.weights].map {
        ByteKey($0)
      }
      for member in archive.members where !known.contains(ByteKey(member.name)) {
        guard member.byteCount <= limits.blobByteCount else {
          throw CairnError(
            .limitExceeded, "an asset is larger than is allowed", at: .init(name: member.name),
            expected: "at most \(limits.blobByteCount) bytes", found: "\(member.byteCount)")
        }
        others.append((try TensorName(member.name), member))
      }
      let assets = others.sorted { $0.name < $1.name }
      let remarks = leftOut + weights.remarks
      attachments = Attachments(
        metadata: metadata, parsed: configuration, blobs: archive.blobs(assets),
        opaqueItems: weights.opaqueItems, remarks: remarks)
    } catch {
      throw error.located(file: source.path)
    }
  }

  private static func member(
    _ name: String, in archive: ZipArchive
  ) throws(CairnError) -> ZipMember {
    guard let member = archive.member(name) else {
      throw CairnError(
        .missingFile, "the archive lacks a part of a model", expected: name,
        advice: "It is no whole .keras file; save the model again")
    }
    return member
  }

  private static func text(
    _ name: String, in archive: ZipArchive, limit: Int
  ) throws(CairnError) -> [UInt8] {
    let member = try member(name, in: archive)
    guard member.byteCount <= limit else {
      throw CairnError(
        .overBudget, "a part of the model is larger than is allowed", at: .init(name: name),
        expected: "at most \(limit) bytes", found: "\(member.byteCount)")
    }
    let content = archive.content(of: member)
    return try content.withBytes(in: 0..<content.count) { $0.array }
  }

  /// The weights. Keras stores them without compression. If they were deflated, they are read into
  /// memory, within the bounds for what may be loaded at once.
  private static func weights(
    in archive: ZipArchive, _ limits: ContainerLimits
  ) throws(CairnError) -> HDF5File {
    let member = try member(KerasMember.weights, in: archive)
    let content = archive.content(of: member)
    do throws(CairnError) {
      guard member.method == .deflated else {
        // Damage of the archive is reported first, before errors of the weights in it.
        try content.withBytes(in: 0..<0) { _ in }
        return try HDF5File(content, limits: limits)
      }
      let budget = min(
        physicalMemory(), archive.source.count.allowance(times: 16, plus: 24 << 20))
      guard member.byteCount <= budget else {
        throw CairnError(
          .overBudget, "the compressed weights take more memory than is allowed",
          expected: "at most \(budget) bytes", found: "\(member.byteCount)",
          advice: "Save the model with Keras, which does not compress them")
      }
      let storage = try Storage(byteCount: member.byteCount, zeroed: false)
      try storage.withMutableBytes(in: 0..<storage.byteCount) { (bytes) throws(CairnError) in
        try content.read(at: 0, into: &bytes)
      }
      return try HDF5File(MemoryBytes(ByteRegion(storage, 0..<storage.byteCount)), limits: limits)
    } catch {
      throw error.located(name: KerasMember.weights)
    }
  }

  /// The members of `metadata.json` as key-values: texts as they are, other values as their JSON.
  private static func pairs(
    _ text: [UInt8]
  ) throws(CairnError) -> [(key: String, value: MetadataValue)] {
    do throws(JSONError) {
      var limits = JSONLimits()
      limits.maximumValues = 1 << 16
      let value = try JSONValue(parsing: text, limits: limits)
      return (value.objectValue ?? [:]).map { key, value in
        (key, .string(value.stringValue ?? value.description))
      }
    } catch {
      throw CairnError(
        .invalidConfiguration, "metadata.json is no valid JSON",
        at: .init(name: KerasMember.metadata),
        found: error.message, cause: error)
    }
  }

  /// The checksums of the archive.
  package var checksums: String? { "the CRC-32 of every member" }

  /// Checks every member against its CRC-32; deep, also every element.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    try archive.checkContents(progress)
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}
