// One `TensorProto` of a model (onnx.proto): type, dimensions, and the elements in one of several ways.

import CairnFormat
import CairnSystem
import CairnTensors

/// What a `TensorProto` says, before its elements are taken.
struct ONNXTensor {
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

  private(set) var name = ""
  let place: CairnError.Location
  private var dimensions: [Int] = []
  private var type: UInt64 = 0
  private var data: [(kind: Data, field: ProtobufReader.Field)] = []
  private var external: [String: String] = [:]
  private var isExternal = false
  private let source: any ByteSource

  init(_ source: any ByteSource, in range: Range<Int>) throws(CairnError) {
    self.source = source
    place = .init(file: source.path, offset: UInt64(range.lowerBound))
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      switch field.number {
      case 1: try addDimensions(field)
      case 2: type = field.varint ?? 0
      case 3: throw failure(.unsupported, "a tensor is stored in segments")
      case 8: if let range = field.range { name = try reader.text(range) }
      case 13: if let range = field.range { try addExternal(range) }
      case 14: isExternal = field.varint == 1
      default: if let kind = Data(rawValue: field.number) { data.append((kind, field)) }
      }
    }
  }

  private func failure(
    _ code: CairnError.Code, _ message: String, expected: String? = nil, found: String? = nil
  ) -> CairnError {
    CairnError(
      code, message,
      at: .init(file: place.file, offset: place.offset, name: name.isEmpty ? nil : name),
      expected: expected, found: found)
  }

  private mutating func addDimensions(_ field: ProtobufReader.Field) throws(CairnError) {
    if let value = field.varint { return dimensions.append(Int(truncatingIfNeeded: value)) }
    guard let range = field.range else { throw failure(.invalidShape, "a dimension is no number") }
    var packed = ProtobufReader(source, in: range)
    while !packed.isAtEnd {
      dimensions.append(Int(truncatingIfNeeded: try packed.varint()))
      guard dimensions.count <= Shape.maximumRank else {
        throw failure(.invalidShape, "a shape has too many dimensions")
      }
    }
  }

  private mutating func addExternal(_ range: Range<Int>) throws(CairnError) {
    var pair = ProtobufReader(source, in: range)
    var key = ""
    var value = ""
    while let field = try pair.next() {
      guard let range = field.range else { continue }
      if field.number == 1 { key = try pair.text(range) }
      if field.number == 2 { value = try pair.text(range) }
    }
    guard external.updateValue(value, forKey: key) == nil else {
      throw failure(
        .invalidHeader, "an entry of the external data stands there twice", found: key.excerpt)
    }
  }

  /// The tensor under the name `name`; `open` gives the files of external data.
  func item(
    named name: TensorName, open: (String) throws(CairnError) -> any ByteSource
  ) throws(CairnError) -> TensorTable.Item {
    guard let dtype = ONNXDType.dtype(type) else {
      throw failure(.unknownDType, "the element type is not known", found: "\(type)")
    }
    let shape: Shape
    do throws(CairnError) { shape = try Shape(dimensions) } catch {
      throw error.located(file: place.file, offset: place.offset, name: name.string)
    }
    let elements: any ElementBytes
    if isExternal {
      elements = try externalElements(dtype, shape, open)
    } else {
      elements = try ownElements(dtype, shape)
    }
    return TensorTable.Item(
      name: name, dtype: dtype, shape: shape, elements: elements,
      codec: isExternal ? "external" : "raw", storedByteCount: elements.count)
  }

  private func byteCount(_ dtype: DType, _ shape: Shape) throws(CairnError) -> Int {
    guard let count = dtype.byteCount(elements: shape.elementCount) else {
      throw failure(.invalidShape, "the shape \(shape) is none that a \(dtype) tensor can have")
    }
    return count
  }

  private func externalElements(
    _ dtype: DType, _ shape: Shape, _ open: (String) throws(CairnError) -> any ByteSource
  ) throws(CairnError) -> any ElementBytes {
    guard dtype != .string, data.isEmpty, let location = external["location"] else {
      throw failure(
        .invalidHeader, "a tensor of external data has no location, holds data too, or is of texts")
    }
    let count = try byteCount(dtype, shape)
    guard let offset = Int(external["offset"] ?? "0"), offset >= 0,
      let length = Int(external["length"] ?? "\(count)"), length == count
    else {
      throw failure(
        .sizeMismatch, "the external data are not those that type and shape ask for",
        expected: "\(count) bytes",
        found: "offset \((external["offset"] ?? "0").excerpt), length "
          + (external["length"] ?? "").excerpt)
    }
    do throws(CairnError) {
      return try PartOfFile(open(location), at: offset, count: count)
    } catch {
      throw error.located(name: name)
    }
  }

  private func ownElements(_ dtype: DType, _ shape: Shape) throws(CairnError) -> any ElementBytes {
    guard Set(data.map(\.kind)).count <= 1 else {
      throw failure(.invalidHeader, "a tensor holds its elements in two ways")
    }
    guard let kind = data.first?.kind else {
      return try HeldElements(
        dtype == .string && shape.elementCount == 0 ? [] : checked([], dtype, shape))
    }
    switch (kind, dtype) {
    case (.string, .string): return try texts(shape)
    case (.raw, .string): throw failure(.invalidHeader, "texts stand as raw data")
    case (.raw, _), (.float, .float32), (.float, .complex64), (.double, .float64),
      (.double, .complex128):
      return try plainElements(dtype, shape)
    case (.int32, .int32), (.int32, .int16), (.int32, .int8), (.int32, .uint16), (.int32, .uint8),
      (.int32, .bool), (.int32, .float16), (.int32, .bfloat16), (.int32, .float8E4M3FN),
      (.int32, .float8E4M3FNUZ), (.int32, .float8E5M2), (.int32, .float8E5M2FNUZ),
      (.int32, .float8E8M0FNU), (.int32, .int4), (.int32, .uint4), (.int32, .float4E2M1FN),
      (.int64, .int64), (.uint64, .uint64), (.uint64, .uint32):
      return try HeldElements(checked(varints(width: dtype.granuleWidth), dtype, shape))
    default:
      throw failure(
        .invalidHeader, "a tensor holds its elements in a field for others", found: "\(dtype)")
    }
  }

  private func checked(
    _ bytes: [UInt8], _ dtype: DType, _ shape: Shape
  ) throws(CairnError) -> [UInt8] {
    let count = try byteCount(dtype, shape)
    guard bytes.count == count else {
      throw failure(
        .sizeMismatch, "the bytes do not fill a \(dtype) tensor of shape \(shape)",
        expected: "\(count) bytes", found: "\(bytes.count)")
    }
    return bytes
  }

  /// Raw data, or packed floats, which are the same.
  private func plainElements(
    _ dtype: DType, _ shape: Shape
  ) throws(CairnError) -> any ElementBytes {
    if data.count == 1, let range = data[0].field.range {
      let count = try byteCount(dtype, shape)
      guard range.count == count else {
        throw failure(
          .sizeMismatch, "the bytes do not fill a \(dtype) tensor of shape \(shape)",
          expected: "\(count) bytes", found: "\(range.count)")
      }
      return try PartOfFile(source, at: range.lowerBound, count: range.count)
    }
    var bytes: [UInt8] = []
    for (kind, field) in data {
      switch field.value {
      case .bytes(let range) where kind != .raw:
        bytes += try source.withBytes(in: range) { $0.array }
      case .fixed32(let bits): bytes += (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
      case .fixed64(let bits): bytes += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
      default: throw failure(.invalidHeader, "a tensor's raw data stand there twice")
      }
    }
    return try HeldElements(checked(bytes, dtype, shape))
  }

  /// Numbers of variable length, packed or not, as `width` bytes each.
  private func varints(width: Int) throws(CairnError) -> [UInt8] {
    var bytes: [UInt8] = []
    func add(_ value: UInt64) {
      for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
    }
    for (_, field) in data {
      if let value = field.varint {
        add(value)
      } else if let range = field.range {
        var packed = ProtobufReader(source, in: range)
        while !packed.isAtEnd { add(try packed.varint()) }
      }
    }
    return bytes
  }

  /// Texts: end offsets of 64 bits, then the bytes.
  private func texts(_ shape: Shape) throws(CairnError) -> any ElementBytes {
    guard data.count == shape.elementCount else {
      throw failure(
        .sizeMismatch, "the texts do not fill the shape \(shape)",
        expected: "\(shape.elementCount)", found: "\(data.count)")
    }
    var ends: [UInt8] = []
    var bytes: [UInt8] = []
    for (_, field) in data {
      guard let range = field.range else {
        throw failure(.invalidHeader, "a text is something else")
      }
      bytes += try source.withBytes(in: range) { $0.array }
      let end = UInt64(bytes.count)
      ends += (0..<8).map { UInt8(truncatingIfNeeded: end >> UInt64(8 * $0)) }
    }
    return try HeldElements(ends + bytes)
  }
}

extension DType {
  /// Bytes of an element; 1 for those of less than a byte, which stand packed.
  fileprivate var granuleWidth: Int { max(1, (bitWidth ?? 8) / 8) }
}
