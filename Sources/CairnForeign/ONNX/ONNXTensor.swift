// One `TensorProto` of a model (onnx.proto): type, dimensions, and the elements in one of several ways.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// The fields of a `TensorProto`, before its elements are taken.
struct ONNXTensor {
  /// How many fields of the tensor are not part of it: documentation, properties.
  private(set) var noteCount = 0
  /// Fields of `TensorProto` that hold elements.
  private enum Data: Int {
    case float = 4
    case int32 = 5
    case string = 6
    case int64 = 7
    case raw = 9
    case double = 10
    case uint64 = 11
  }

  /// The name; nil if it is longer than a name can be.
  private(set) var name: [UInt8]? = []
  /// Why the tensor cannot be read, if so: its type and the reason.
  private(set) var obstacle: (type: String, reason: String)?
  let place: CairnError.Location
  private(set) var external: ONNXExternalData?
  private var dimensions: [Int] = []
  private var type: UInt64 = 0
  private var data: [(kind: Data, field: ProtobufReader.Field)] = []
  private let source: any ByteSource
  private let budget: Budget

  init(
    _ source: any ByteSource, in range: Range<Int>, budget: Budget
  ) throws(CairnError) {
    self.source = source
    self.budget = budget
    place = .init(file: source.path, offset: UInt64(range.lowerBound))
    var reader = ProtobufReader(source, in: range)
    var isExternal = false
    var data = ONNXExternalData()
    while let field = try reader.next() {
      switch field.number {
      case 1: try addDimensions(field)
      case 2: type = field.varint ?? 0
      case 3: obstacle = ("tensor in segments", "segments are not read")
      case 8: if let range = field.range { name = try reader.name(range) }
      case 13: if let range = field.range { try data.add(reader, range) }
      case 14: isExternal = field.varint == 1
      // Documentation, properties.
      case 12, 16: noteCount += 1
      default:
        guard let kind = Data(rawValue: field.number) else { break }
        // Numbers that are not packed are one field each.
        try budget.take(bytes: 256)
        self.data.append((kind, field))
      }
    }
    if isExternal { external = data }
    if ONNXDType(type) == nil {
      obstacle = ("tensor of data type \(type)", "the element type is not known")
    } else if dimensions.count > Shape.maximumRank {
      obstacle = (
        "tensor of \(dimensions.count) dimensions", "it has more than \(Shape.maximumRank)"
      )
    }
  }

  private func failure(
    _ code: CairnError.Code, _ message: String, expected: String? = nil, found: String? = nil
  ) -> CairnError {
    CairnError(
      code, message, at: place, expected: expected, found: found,
      advice: "The file is damaged, or what wrote it has an error")
  }

  private mutating func addDimensions(_ field: ProtobufReader.Field) throws(CairnError) {
    if let value = field.varint { return try add(dimension: value) }
    guard let range = field.range else { throw failure(.invalidShape, "a dimension is no number") }
    var packed = ProtobufReader(source, in: range)
    while !packed.isAtEnd { try add(dimension: packed.varint()) }
  }

  private mutating func add(dimension: UInt64) throws(CairnError) {
    try budget.take(bytes: 8)
    dimensions.append(Int(truncatingIfNeeded: dimension))
  }

  /// The tensor under the name `name`; `open` gives the files of external data.
  ///
  /// - Precondition: there is no ``obstacle``.
  func item(
    named name: TensorName, open: (ONNXExternalData) throws(CairnError) -> any ByteSource
  ) throws(CairnError) -> TensorTable.Item {
    guard let kind = ONNXDType(type) else {
      throw failure(.unknownDType, "the element type is not known", found: "\(type)")
    }
    let shape = try Shape(dimensions)
    var elements: any ElementBytes
    if let external {
      elements = try externalElements(external, kind, shape, open)
    } else {
      elements = try ownElements(kind, shape)
    }
    let stored = elements.count
    if kind.isTwoBit {
      elements = TwoBitElements(
        base: elements, isSigned: kind.dtype == .int8, count: shape.elementCount)
    }
    return TensorTable.Item(
      name: name, dtype: kind.dtype, shape: shape, elements: elements,
      codec: external != nil ? "external" : kind.isTwoBit ? "2 bits" : "raw",
      storedByteCount: stored)
  }

  private func byteCount(_ kind: ONNXDType, _ shape: Shape) throws(CairnError) -> Int {
    guard let count = kind.storedByteCount(elements: shape.elementCount) else {
      throw failure(
        .invalidShape, "the shape \(shape) is none that a \(kind.dtype) tensor can have")
    }
    return count
  }

  private func externalElements(
    _ external: ONNXExternalData, _ kind: ONNXDType, _ shape: Shape,
    _ open: (ONNXExternalData) throws(CairnError) -> any ByteSource
  ) throws(CairnError) -> any ElementBytes {
    guard kind.dtype != .string, data.isEmpty else {
      throw failure(.invalidHeader, "a tensor of external data holds data too, or is of texts")
    }
    let count = try byteCount(kind, shape)
    let offset = try external.number("offset") ?? 0
    let length = try external.number("length") ?? count
    guard length == count else {
      throw failure(
        .sizeMismatch, "the external data are not those that type and shape ask for",
        expected: "\(count) bytes", found: "\(length)")
    }
    return try PartOfFile(open(external), at: offset, count: count)
  }

  private func ownElements(
    _ kind: ONNXDType, _ shape: Shape
  ) throws(CairnError) -> any ElementBytes {
    guard data.allSatisfy({ $0.kind == data[0].kind }) else {
      throw failure(.invalidHeader, "a tensor holds its elements in two ways")
    }
    guard let field = data.first?.kind else {
      return try HeldElements(
        kind.dtype == .string && shape.elementCount == 0 ? [] : checked([], kind, shape))
    }
    switch (field, kind.dtype) {
    case (.string, .string): return try texts(shape)
    case (.raw, .string): throw failure(.invalidHeader, "texts stand as raw data")
    case (.raw, _), (.float, .float32), (.float, .complex64), (.double, .float64),
      (.double, .complex128):
      return try plainElements(kind, shape)
    case (.int32, .float6E2M3FN), (.int32, .float6E3M2FN):
      return try HeldElements(checked(sixBits(shape), kind, shape))
    case (.int32, .int32), (.int32, .int16), (.int32, .int8), (.int32, .uint16), (.int32, .uint8),
      (.int32, .bool), (.int32, .float16), (.int32, .bfloat16), (.int32, .float8E4M3FN),
      (.int32, .float8E4M3FNUZ), (.int32, .float8E5M2), (.int32, .float8E5M2FNUZ),
      (.int32, .float8E8M0FNU), (.int32, .int4), (.int32, .uint4), (.int32, .float4E2M1FN),
      (.int64, .int64), (.uint64, .uint64), (.uint64, .uint32):
      return try HeldElements(checked(varints(width: kind.dtype.granuleWidth), kind, shape))
    default:
      throw failure(
        .invalidHeader, "a tensor holds its elements in a field for others",
        found: "\(kind.dtype)")
    }
  }

  private func checked(
    _ bytes: [UInt8], _ kind: ONNXDType, _ shape: Shape
  ) throws(CairnError) -> [UInt8] {
    let count = try byteCount(kind, shape)
    guard bytes.count == count else {
      throw failure(
        .sizeMismatch, "the bytes do not fill a \(kind.dtype) tensor of shape \(shape)",
        expected: "\(count) bytes", found: "\(bytes.count)")
    }
    return bytes
  }

  /// Raw data, or packed floats, which have the same form.
  private func plainElements(
    _ kind: ONNXDType, _ shape: Shape
  ) throws(CairnError) -> any ElementBytes {
    if data.count == 1, let range = data[0].field.range {
      let count = try byteCount(kind, shape)
      guard range.count == count else {
        throw failure(
          .sizeMismatch, "the bytes do not fill a \(kind.dtype) tensor of shape \(shape)",
          expected: "\(count) bytes", found: "\(range.count)")
      }
      return try PartOfFile(source, at: range.lowerBound, count: range.count)
    }
    var bytes: [UInt8] = []
    for (field, value) in data {
      switch value.value {
      case .bytes(let range) where field != .raw:
        try budget.take(bytes: range.count)
        bytes += try source.withBytes(in: range) { $0.array }
      case .fixed32(let bits): bytes.append(littleEndian: bits)
      case .fixed64(let bits): bytes.append(littleEndian: bits)
      default: throw failure(.invalidHeader, "a tensor's raw data stand there twice")
      }
    }
    return try HeldElements(checked(bytes, kind, shape))
  }

  /// Runs `body` on all numbers of variable length, packed or not.
  private func forEachVarint(_ body: (UInt64) throws(CairnError) -> Void) throws(CairnError) {
    for (_, field) in data {
      if let value = field.varint {
        try body(value)
      } else if let range = field.range {
        var packed = ProtobufReader(source, in: range)
        while !packed.isAtEnd { try body(packed.varint()) }
      }
    }
  }

  /// Numbers of variable length as `width` bytes each.
  private func varints(width: Int) throws(CairnError) -> [UInt8] {
    var bytes: [UInt8] = []
    try forEachVarint { (value) throws(CairnError) in
      try budget.take(bytes: width)
      bytes.append(littleEndian: value, width: width)
    }
    return bytes
  }

  /// Elements of 6 bits, each stored in a number of its own. They become packed, like raw data.
  private func sixBits(_ shape: Shape) throws(CairnError) -> [UInt8] {
    var bytes: [UInt8] = []
    var count = 0
    var (bits, width): (UInt32, UInt32) = (0, 0)
    try forEachVarint { (value) throws(CairnError) in
      try budget.take(bytes: 1)
      count += 1
      bits |= UInt32(truncatingIfNeeded: value & 0x3F) << width
      width += 6
      while width >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bits >>= 8
        width -= 8
      }
    }
    guard count == shape.elementCount else {
      throw failure(
        .sizeMismatch, "the elements do not fill the shape \(shape)",
        expected: "\(shape.elementCount)", found: "\(count)")
    }
    if width > 0 { bytes.append(UInt8(truncatingIfNeeded: bits)) }
    return bytes
  }

  /// Texts in the form of a tensor of strings: end offsets of 64 bits, then the bytes.
  private func texts(_ shape: Shape) throws(CairnError) -> any ElementBytes {
    guard data.count == shape.elementCount else {
      throw failure(
        .sizeMismatch, "the texts do not fill the shape \(shape)",
        expected: "\(shape.elementCount)", found: "\(data.count)")
    }
    var parts: [[UInt8]] = []
    for (_, field) in data {
      guard let range = field.range else {
        throw failure(.invalidHeader, "a text is something else")
      }
      try budget.take(bytes: range.count)
      parts.append(try source.withBytes(in: range) { $0.array })
    }
    return try HeldElements(texts: parts)
  }
}

extension HeldElements {
  /// Texts in the form of a tensor of strings: end offsets of 64 bits, then the bytes.
  init(texts: [[UInt8]]) throws(CairnError) {
    var bytes: [UInt8] = []
    var end: UInt64 = 0
    for text in texts {
      end &+= UInt64(text.count)
      bytes.append(littleEndian: end)
    }
    for text in texts { bytes += text }
    try self.init(bytes)
  }
}

extension DType {
  /// Bytes of an element; 1 for elements of less than a byte, which are packed.
  fileprivate var granuleWidth: Int { max(1, (bitWidth ?? 8) / 8) }
}
