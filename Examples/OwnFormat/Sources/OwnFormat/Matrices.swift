// A format of one's own: matrices as text. A file begins with `MATRICES`; each matrix is a line `name rows
// columns` and as many numbers, in float32.

import Cairn
import Foundation

extension CheckpointFormat {
  /// Matrices as text.
  static let matrices = CheckpointFormat(
    name: "matrices", extensions: ["matrices"],
    lacks: [.ties, .metadata, .configuration, .blobs],
    recognises: { $0.head.starts(with: Matrices.magic.utf8) },
    open: { (place) throws(CairnError) in
      try Matrices(place.openFile())
    },
    sink: { MatricesSink(target: $0) })
}

/// A file of matrices, read whole.
struct Matrices: CheckpointSource, TensorWrapper {
  static let magic = "MATRICES\n"
  /// No larger file is read: it lies in memory as text and as numbers.
  private static let largest = 1 << 28

  private var tensors = NamedTensors()
  let fileByteCount: Int

  init(_ source: any ByteSource) throws(CairnError) {
    fileByteCount = source.count
    guard source.count <= Self.largest else {
      throw CairnError(
        .limitExceeded, "the file is too large", expected: "at most \(Self.largest) bytes",
        found: "\(source.count)")
    }
    let text = try source.withBytes(in: 0..<source.count) { bytes in
      String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }
    var words = text.split(whereSeparator: \.isWhitespace)[...]
    guard words.popFirst() == "MATRICES" else {
      throw CairnError(.invalidHeader, "the file does not begin as one of matrices")
    }
    while let name = words.popFirst() {
      guard let rows = words.popFirst().flatMap({ Int($0) }), rows >= 0,
        let columns = words.popFirst().flatMap({ Int($0) }), columns >= 0,
        case let (count, overflow) = rows.multipliedReportingOverflow(by: columns), !overflow,
        count <= words.count
      else {
        throw CairnError(
          .truncated, "a matrix has no size, or not as many numbers", at: .init(name: String(name)))
      }
      let numbers = words.prefix(count).compactMap { Float($0) }
      guard numbers.count == count else {
        throw CairnError(
          .invalidElement, "a matrix has something that is no number", at: .init(name: String(name))
        )
      }
      words = words.dropFirst(count)
      try tensors.add(
        Tensor(numbers, shape: Shape([rows, columns])), named: TensorName(String(name)))
    }
  }

  /// Everything else is asked of the tensors in memory.
  var base: any TensorSource { tensors }
}

/// Writes matrices.
struct MatricesSink: TensorSink {
  let target: WriteTarget

  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try CheckpointFormat.matrices.refuse(source, accepting: target.losses)
    var text = Matrices.magic
    for index in try source.indicesInWeightOrder() {
      let entry = try source.entry(at: index)
      guard entry.dtype == .float32, entry.shape.rank == 2,
        !entry.name.string.contains(where: \.isWhitespace)
      else {
        throw CairnError(
          .cannotHold, "only matrices in float32 can be written, with names without blanks",
          at: .init(name: entry.name.string), found: "\(entry.dtype) \(entry.shape)")
      }
      let numbers: [Float] = try source.tensor(at: index).scalars()
      let size = entry.shape.dimensions.map(String.init).joined(separator: " ")
      text += "\(entry.name) \(size)\n" + numbers.map { "\($0)" }.joined(separator: " ") + "\n"
    }
    return try target.write { (file) throws(CairnError) in try file.append(Array(text.utf8).span) }
  }
}
