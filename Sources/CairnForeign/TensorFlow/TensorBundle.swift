// A TensorFlow checkpoint (tensor bundle, "V2") as a source of tensors: `PREFIX.index`, a table of keys, and
// `PREFIX.data-00000-of-00001` …, the bytes (tensorflow/core/util/tensor_bundle).

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// TensorFlow's tensor bundle, alone or in a SavedModel's folder.
  public static let tensorflow = CheckpointFormat(
    name: "tensorflow", extensions: ["index"],
    lacks: [.ties, .order, .metadata, .configuration, .blobs],
    recognises: { BundlePlace($0) != nil },
    open: { (place) throws(CairnError) in try TensorBundle(place) },
    spansFiles: true,
    sink: { BundleWriter(target: $0) }
  ).with { $0.place = { BundlePlace.opening(prefix: $0, options: $1) } }
}

/// A tensor bundle: its keys, ascending by bytes, with the tensors.
///
/// A partitioned variable is one tensor. Every tensor is checked against its CRC-32C before the
/// first of its bytes is used.
package struct TensorBundle: TableSource {
  let table: TensorTable
  private let checked: [CheckedElements]
  /// Opaque items are entries of types that are not read, such as resources and variants. A remark
  /// says that a SavedModel's graphs are not kept.
  package let attachments: Attachments
  /// Bytes of the index and of the data files.
  package let fileByteCount: Int

  /// The most data files: all of them are open at once.
  private static let maximumFileCount = 4_096
  /// Opens an index and the data files that it names.
  ///
  /// - Throws: `truncated`, `invalidHeader`, `checksumMismatch`, `corruptStream`, `missingFile`,
  ///   `unknownDType`, `unsupported`, `invalidShape`, `sizeMismatch`, `overlappingTensors`,
  ///   `duplicateName`, `invalidName`, `limitExceeded`.
  init(_ place: CheckpointPlace) throws(CairnError) {
    guard let found = BundlePlace(place) else {
      throw CairnError(
        .invalidHeader, "there is no index of a tensor bundle", at: .init(file: place.path),
        expected: "a file NAME.index that ends as a table of TensorFlow does",
        advice: "Name the index, its prefix, or the folder that it is in")
    }
    let index = try found.index(at: place)
    do throws(CairnError) {
      let budget = Budget.index(ofFile: index.count)
      let sorted = try SortedTable(index, limits: place.options.limits, budget: budget)
      var builder = try BundleTable(sorted, path: index.path, budget: budget) {
        (number, count) throws(CairnError) in
        guard count <= Self.maximumFileCount else {
          throw CairnError(
            .limitExceeded, "the bundle has more data files than is allowed",
            expected: "at most \(Self.maximumFileCount)", found: "\(count)")
        }
        return try place.companion(
          "\(found.prefix).data-\(number.fiveDigits)-of-\(count.fiveDigits)")
      }
      try builder.build()
      table = builder.table
      checked = builder.checked
      attachments = Attachments(opaqueItems: builder.opaque.items, remarks: found.remarks)
      fileByteCount = builder.dataByteCount.addingSaturated(index.count)
    } catch {
      throw error.located(file: index.path)
    }
  }

  /// The checksums of the index and of every tensor.
  package var checksums: String? { "the CRC-32C of the index and of every tensor" }

  /// Checks every tensor against its CRC-32C; deep, also every element. The index and texts were
  /// already checked when the bundle was opened.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    var count = ProgressCount(of: checked.sumSaturated(\.count))
    for elements in checked {
      try elements.check()
      try count.add(elements.count, progress)
    }
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}
