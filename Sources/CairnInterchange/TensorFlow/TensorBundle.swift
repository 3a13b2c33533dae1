// A TensorFlow checkpoint (tensor bundle, "V2") as a source of tensors: `PREFIX.index`, a table of keys, and
// `PREFIX.data-00000-of-00001` …, the bytes (tensorflow/core/util/tensor_bundle).

public import CairnFormat
public import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// TensorFlow's tensor bundle, alone or in a SavedModel's folder.
  public static let tensorflow = CheckpointFormat(
    name: "tensorflow", extensions: ["index"],
    lacks: [.ties, .order, .metadata, .configuration, .blobs],
    recognises: { TensorBundle.recognises($0) },
    open: { (place) throws(CairnError) in try TensorBundle(place) },
    spansFiles: true,
    sink: { path, options, losses in
      BundleWriter(path: path, options: options, accepting: losses)
    })
}

/// A tensor bundle: its keys, ascending by bytes, with the tensors.
///
/// A partitioned variable is one tensor. Every tensor is checked against its CRC-32C before the first of
/// its bytes is used.
public struct TensorBundle: TableSource {
  let table: TensorTable
  private let checked: [CheckedElements]
  /// Bytes of the index and of the data files.
  public let fileByteCount: Int

  /// The most data files: each is open.
  private static let maximumFileCount = 4_096
  /// The prefixes under which a bundle lies in a folder.
  private static let prefixes = ["variables/variables", "variables", "model", "checkpoint"]

  /// Whether what lies at a place is of this format.
  static func recognises(_ place: CheckpointPlace) -> Bool {
    guard let file = place.file else { return prefix(in: place) != nil }
    guard file.count >= SortedTable.footerByteCount else { return false }
    var reader = SourceReader(file, in: file.count - 8..<file.count)
    return (try? reader.integer(UInt64.self)) == SortedTable.magic
  }

  private static func prefix(in folder: CheckpointPlace) -> String? {
    prefixes.first { folder.holds($0 + ".index") }
  }

  /// Opens an index and the data files that it names.
  ///
  /// - Throws: `truncated`, `invalidHeader`, `checksumMismatch`, `corruptStream`, `missingFile`,
  ///   `unknownDType`, `unsupported`, `invalidShape`, `sizeMismatch`, `overlappingTensors`,
  ///   `duplicateName`, `invalidName`, `limitExceeded`.
  init(_ place: CheckpointPlace) throws(CairnError) {
    var name = place.name
    let index: FileBytes
    if let file = place.file {
      index = file
      if name.hasSuffix(".index") { name = String(name.dropLast(6)) }
    } else {
      name = Self.prefix(in: place) ?? Self.prefixes[0]
      index = try place.companion(name + ".index")
    }
    do throws(CairnError) {
      let sorted = try SortedTable(index, limits: place.options.limits)
      var builder = try BundleTable(sorted, path: index.path) {
        (number, count) throws(CairnError) in
        guard count <= Self.maximumFileCount else {
          throw CairnError(
            .limitExceeded, "the bundle has more data files than is allowed",
            expected: "at most \(Self.maximumFileCount)", found: "\(count)")
        }
        return try place.companion(
          "\(name).data-\(number.fiveDigits)-of-\(count.fiveDigits)")
      }
      try builder.build()
      table = builder.table
      checked = builder.checked
      fileByteCount = builder.dataByteCount.addingReportingOverflow(index.count).partialValue
    } catch {
      throw error.located(file: index.path)
    }
  }

  /// Checks every tensor against its CRC-32C; deep, also every element. The index was checked when it was
  /// opened, and texts too.
  public func check(
    _ level: Container.VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    let total = checked.reduce(0) { $0.addingReportingOverflow($1.count).partialValue }
    var done = 0
    for elements in checked {
      try elements.check()
      done = done.addingReportingOverflow(elements.count).partialValue
      try progress(Progress(done: done, total: total))
    }
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}
