// One array of NumPy as a source of one tensor.

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
package import CairnTensors

extension CheckpointFormat {
  /// One array of NumPy, versions 1 to 3 of its format.
  public static let npy = CheckpointFormat(
    name: "npy", extensions: ["npy"],
    lacks: [.ties, .configuration, .blobs, .metadata, .names],
    recognises: { $0.head.starts(with: NPYHeader.magic) },
    open: { (place) throws(CairnError) in try NPYFile(place.openFile()) },
    sink: { NumPyWriter(target: $0, form: .npy) })
}

/// A `.npy` file: one tensor. It has no name in the file and is called ``tensorName`` here.
///
/// Elements are given row-major and little-endian, however the file stores them. An array in
/// Fortran order is held in memory as a whole while it is read.
package struct NPYFile: TableSource {
  let table: TensorTable
  private let header: NPYHeader
  /// Bytes of the file.
  package let fileByteCount: Int

  /// The name that NumPy gives to an array that `savez` gets without a name.
  package static let tensorName = AcceptedLosses.nameOfOnly

  /// The version of the format: 1.0, 2.0 or 3.0.
  package var formatVersion: String? { header.version }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: `truncated`, `trailingBytes`, `invalidHeader`, `headerTooLarge`, `unsupported` for
  ///   elements that are not plain numbers, `unknownDType`, `invalidShape`.
  package init(_ source: any ByteSource) throws(CairnError) {
    do throws(CairnError) {
      header = try NPYHeader(source)
      var table = TensorTable(path: source.path)
      try table.add(
        Self.item(
          Self.tensorName, header,
          try header.elements(
            of: source, viewed: ViewedBytes(), key: 0, budget: .index(ofFile: source.count))))
      self.table = table
      fileByteCount = source.count
    } catch {
      throw error.located(file: source.path)
    }
  }

  static func item(
    _ name: TensorName, _ header: NPYHeader, _ elements: any ElementBytes
  ) -> TensorTable.Item {
    TensorTable.Item(
      name: name, dtype: header.type.dtype, shape: header.shape, elements: elements,
      storedByteCount: elements.count)
  }
}

extension NPYHeader {
  /// The bytes of an element in the file.
  private var width: Int { type.texts?.width ?? (type.dtype.bitWidth ?? 8) / 8 }

  /// The elements that follow the header in `source`. The size of `source` must be exact. Texts are
  /// read at once, from the budget of the whole file. An array in Fortran order is held in memory
  /// while it is read, and must have at most `mostHeld` bytes.
  func elements(
    of source: any ByteSource, viewed: ViewedBytes, key: Int, budget: Budget, mostHeld: Int = .max
  ) throws(CairnError) -> any ElementBytes {
    let raw = try stored(source, viewed, key, mostHeld)
    guard let texts = type.texts else { return raw }
    return try texts.decoded(raw, elementCount: shape.elementCount, budget: budget)
  }

  private func stored(
    _ source: any ByteSource, _ viewed: ViewedBytes, _ key: Int, _ mostHeld: Int
  ) throws(CairnError) -> any ElementBytes {
    guard let count = shape.elementCount.multiplied(by: width) else {
      throw CairnError(
        .invalidShape, "the shape has more bytes than can be counted",
        at: .init(file: source.path, offset: 10), found: "\(type.dtype) \(shape)")
    }
    let left = source.count - byteCount
    guard count >= left else {
      throw CairnError(
        .trailingBytes, "the file goes on after the last element",
        at: .init(file: source.path, offset: UInt64(byteCount + count)),
        expected: "\(count) bytes of elements", found: "\(left)",
        advice: "If it holds several arrays one after the other, save them as .npz")
    }
    var elements: any ElementBytes = try PartOfFile(source, at: byteCount, count: count)
    if type.swappedWidth > 1 {
      elements = SwappedElements(base: elements, width: type.swappedWidth)
    }
    guard isFortranOrder else { return elements }
    var strides: [Int] = []
    var step = 1
    for dimension in shape.dimensions {
      strides.append(step)
      // No overflow: the product of all dimensions is the number of elements, or one of them is 0.
      step &*= max(1, dimension)
    }
    if StridedElements.isRowMajor(shape.dimensions, strides) { return elements }
    return try StridedElements(
      elements, width: width, dimensions: shape.dimensions,
      strides: strides, viewed: viewed, key: key, most: mostHeld)
  }
}
