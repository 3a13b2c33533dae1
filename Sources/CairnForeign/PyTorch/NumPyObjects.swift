// NumPy's scalars, arrays and element types as pickles hold them (numpy/_core/multiarray,
// `_reconstruct`, `scalar`). They are plain data; nothing of NumPy is called.

import CairnSystem
import CairnTensors

/// NumPy's values in pickles.
enum NumPyObjects {
  /// The form of a node that stands for an element type: a dictionary with its spelling.
  static let dtypeForm = "NumPy element type"

  /// The value that a constructor of NumPy gives; nil for another name, or for arguments that are
  /// not plain.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    switch function {
    case "numpy.dtype":
      guard let code = arguments.first, case .text(let place) = code, place.count < 16 else {
        return nil
      }
      return try content.record(dtypeForm, [("descr", code)])
    case "numpy._core.multiarray._reconstruct":
      guard arguments.count == 3, content.name(arguments[0])?.isSpelt(as: "numpy.ndarray") == true
      else { return nil }
      // What the array holds becomes known when its state is set.
      let name = try content.name("numpy.ndarray")
      return try content.opaque(name, .tuple(content.node([])))
    case "numpy._core.multiarray.scalar":
      guard arguments.count == 2, let dtype = spelling(arguments[0], in: content) else {
        return nil
      }
      return try scalar(dtype, arguments[1], in: &content)
    case "numpy._core.numeric._frombuffer":
      guard arguments.count == 4, let shape = content.sizes(arguments[2]),
        let order = content.text(arguments[3]), let dtype = spelling(arguments[1], in: content)
      else { return nil }
      return try array(
        dtype, shape, isFortran: order.isSpelt(as: "F"), arguments[0], in: &content)
    default: return nil
    }
  }

  /// Sets the state of an element type: (version, byte order, …).
  static func build(
    dtype node: Int, _ state: PickleValue, in content: inout TorchContent
  ) throws(CairnError) {
    let parts = content.items(state) ?? []
    guard parts.count >= 5, let order = content.text(parts[1]), order.utf8.count == 1,
      content.nodes[node].count == 2, let code = content.text(content.nodes[node][1])
    else { return }
    // A type with fields, or with a shape of its own, is not a plain number.
    let isPlain = parts[2] == .none && parts[3] == .none && parts[4] == .none
    var spelt = (order.isSpelt(as: "=") ? "<" : order) + code
    if !isPlain { spelt = "|V" }
    let text = try content.keep(Array(spelt.utf8))
    content.nodes[node][1] = .text(text)
  }

  /// Takes the state of an object. The state of an array, (version, shape, type, is Fortran's,
  /// data), makes a tensor of it.
  static func build(
    _ object: Int, _ state: PickleValue, in content: inout TorchContent
  ) throws(CairnError) {
    guard content.names[content.objects[object].name].isSpelt(as: "numpy.ndarray"),
      content.objects[object].resolved == nil, let parts = content.items(state), parts.count == 5,
      let shape = content.sizes(parts[1]), case .bool(let isFortran) = parts[3],
      let dtype = spelling(parts[2], in: content)
    else { return }
    content.objects[object].resolved = try array(
      dtype, shape, isFortran: isFortran, parts[4], in: &content)
  }

  /// The spelling of an element type: `<f8`.
  static func spelling(_ value: PickleValue, in content: TorchContent) -> String? {
    guard case .dict(let node) = value, content.forms[node] == dtypeForm,
      content.nodes[node].count == 2, let code = content.text(content.nodes[node][1])
    else { return nil }
    return code.utf8.first.map { "<>|=".utf8.contains($0) } == true ? code : "<" + code
  }

  /// The type and the bytes of a number; nil for anything that is not a plain number.
  private static func plain(_ spelt: String) -> (type: NPYDType, width: Int)? {
    guard let type = try? NPYDType(parsing: spelt, at: .init()), type.texts == nil,
      let bits = type.dtype.bitWidth
    else { return nil }
    return (type, bits / 8)
  }

  private static func array(
    _ spelt: String, _ shape: [Int], isFortran: Bool, _ data: PickleValue,
    in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    let place: PickleBytes
    switch data {
    case .bytes(let held), .text(let held): place = held
    default: return nil
    }
    guard let (type, _) = plain(spelt), let plain = StridedElements.rowMajor(shape),
      let count = shape.contains(0) ? 0 : StridedElements.span(shape, plain),
      type.dtype.byteCount(elements: count) == Int(place.count)
    else { return nil }
    var strides = plain
    if isFortran {
      guard let turned = StridedElements.rowMajor(shape.reversed()) else { return nil }
      strides = turned.reversed()
    }
    let storage = try content.storage(
      TorchStorage(
        key: ByteKey([]), type: "torch.storage.UntypedStorage", elementCount: Int(place.count),
        held: place, swappedWidth: type.swappedWidth))
    return try content.tensor(
      TorchTensor(
        storage: storage, offset: 0, dimensions: shape, strides: strides,
        dtype: TorchDType(dtype: type.dtype)))
  }

  private static func scalar(
    _ spelt: String, _ data: PickleValue, in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    let place: PickleBytes
    switch data {
    case .bytes(let held), .text(let held): place = held
    default: return nil
    }
    guard place.count <= 4_096 else { return nil }
    var bytes = Array(content.bytes(place))
    guard let (type, width) = plain(spelt), width == bytes.count else {
      return try text(spelt, bytes, in: &content)
    }
    if type.swappedWidth > 1 {
      bytes = stride(from: 0, to: width, by: type.swappedWidth).flatMap {
        bytes[$0..<$0 + type.swappedWidth].reversed()
      }
    }
    func bits(_ range: Range<Int>) -> UInt64 {
      bytes.span.number(at: range.lowerBound, width: range.count)
    }
    let all = bits(0..<min(8, width))
    switch type.dtype {
    case .bool: return .bool(all != 0)
    case .int8: return .int(Int64(Int8(truncatingIfNeeded: all)))
    case .int16: return .int(Int64(Int16(truncatingIfNeeded: all)))
    case .int32: return .int(Int64(Int32(truncatingIfNeeded: all)))
    case .int64: return .int(Int64(bitPattern: all))
    case .uint8, .uint16, .uint32: return .int(Int64(truncatingIfNeeded: all))
    case .uint64:
      if let value = Int64(exactly: all) { return .int(value) }
      return .bigInteger(try content.keep(Array("\(all)".utf8)))
    case .float16: return .float(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: all))))
    case .float32: return .float(Double(Float(bitPattern: UInt32(truncatingIfNeeded: all))))
    case .float64: return .float(Double(bitPattern: all))
    case .complex64:
      return try content.complex(
        Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits(0..<4)))),
        Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits(4..<8)))))
    case .complex128:
      return try content.complex(
        Double(bitPattern: bits(0..<8)), Double(bitPattern: bits(8..<16)))
    default: return nil
    }
  }

  /// A scalar of NumPy's text types: `<U3`, `|S3`.
  private static func text(
    _ spelt: String, _ bytes: [UInt8], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    let letters = Array(spelt.utf8)
    guard letters.count >= 2 else { return nil }
    if letters[1] == UInt8(ascii: "S") { return .bytes(try content.keep(bytes)) }
    guard letters[1] == UInt8(ascii: "U"), bytes.count.isMultiple(of: 4) else { return nil }
    var scalars = String.UnicodeScalarView()
    for place in stride(from: 0, to: bytes.count, by: 4) {
      var code = Array(bytes[place..<place + 4])
      if letters[0] == UInt8(ascii: ">") { code.reverse() }
      guard let scalar = Unicode.Scalar(code.span.field(0, as: UInt32.self)) else { return nil }
      scalars.append(scalar)
    }
    while scalars.last == "\0" { scalars.removeLast() }
    return .text(try content.keep(Array(String(scalars).utf8)))
  }
}
