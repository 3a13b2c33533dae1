// Which type each value of GGUF's metadata has, and in which order the keys are. `Metadata` does
// not keep this: its numbers are 64 bits wide and its keys ascend.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The type of a value; for an array, the type of its elements.
struct GGUFValueForm: Equatable {
  var type: GGUFValueType
  var isArray: Bool

  /// `uint32`, `[string]`.
  var name: String { isArray ? "[\(type.name)]" : type.name }

  init(type: GGUFValueType, isArray: Bool) {
    self.type = type
    self.isArray = isArray
  }

  /// The form that `name` spells.
  init?(name: some StringProtocol) {
    let bytes = Array(name.utf8)
    isArray = bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]")
    let inner = isArray ? bytes[1..<bytes.count - 1] : bytes[...]
    guard
      let type = GGUFValueType.allCases.first(where: { $0.name.utf8.elementsEqual(inner) }),
      type != .array
    else { return nil }
    self.type = type
  }

  /// The form in which a value is written unless a layout says otherwise: numbers have 32 bits if
  /// they fit.
  init(of value: MetadataValue) {
    switch value {
    case .bool: self.init(type: .bool, isArray: false)
    case .bools: self.init(type: .bool, isArray: true)
    case .string, .bytes: self.init(type: .string, isArray: false)
    case .strings, .byteStrings: self.init(type: .string, isArray: true)
    case .int(let value): self.init(type: Self.holds([value]) ? .int32 : .int64, isArray: false)
    case .ints(let values): self.init(type: Self.holds(values) ? .int32 : .int64, isArray: true)
    case .uint(let value):
      self.init(type: value <= UInt64(UInt32.max) ? .uint32 : .uint64, isArray: false)
    case .uints(let values):
      let fits = values.allSatisfy { $0 <= UInt64(UInt32.max) }
      self.init(type: fits ? .uint32 : .uint64, isArray: true)
    case .float(let value):
      self.init(type: Self.isSingle(value) ? .float32 : .float64, isArray: false)
    case .floats(let values):
      self.init(type: values.allSatisfy(Self.isSingle) ? .float32 : .float64, isArray: true)
    }
  }

  private static func holds(_ values: [Int64]) -> Bool {
    values.allSatisfy { Int32(exactly: $0) != nil }
  }

  /// Whether a number keeps all its bits as a float32.
  static func isSingle(_ value: Double) -> Bool {
    Double(Float(value)).bitPattern == value.bitPattern
  }

  /// Whether a value can be written in this form.
  func holds(_ value: MetadataValue) -> Bool {
    switch value {
    case .bool: return !isArray && type == .bool
    case .bools: return isArray && type == .bool
    case .string, .bytes: return !isArray && type == .string
    case .strings, .byteStrings: return isArray && type == .string
    case .int(let value): return !isArray && holdsSigned([value])
    case .ints(let values): return isArray && holdsSigned(values)
    case .uint(let value): return !isArray && holdsUnsigned([value])
    case .uints(let values): return isArray && holdsUnsigned(values)
    case .float(let value): return !isArray && holdsFloats([value])
    case .floats(let values): return isArray && holdsFloats(values)
    }
  }

  private func holdsSigned(_ values: [Int64]) -> Bool {
    switch type {
    case .int8: values.allSatisfy { Int8(exactly: $0) != nil }
    case .int16: values.allSatisfy { Int16(exactly: $0) != nil }
    case .int32: Self.holds(values)
    case .int64: true
    default: false
    }
  }

  private func holdsUnsigned(_ values: [UInt64]) -> Bool {
    switch type {
    case .uint8: values.allSatisfy { UInt8(exactly: $0) != nil }
    case .uint16: values.allSatisfy { UInt16(exactly: $0) != nil }
    case .uint32: values.allSatisfy { UInt32(exactly: $0) != nil }
    case .uint64: true
    default: false
    }
  }

  private func holdsFloats(_ values: [Double]) -> Bool {
    type == .float64 || type == .float32 && values.allSatisfy(Self.isSingle)
  }
}

/// The keys of a file in their order, each with its value's type.
struct GGUFLayout {
  /// A key, with the form of its value.
  typealias Entry = (key: TensorName, form: GGUFValueForm)

  /// The key under which a layout is kept among the metadata. It is never written into a GGUF file.
  static let key = FormatNotes.gguf
  private static let architecture: TensorName = "general.architecture"

  /// The metadata of a file. Its layout is added under ``key`` if a writer could not know it
  /// otherwise.
  static func metadata(
    _ pairs: [(key: TensorName, value: MetadataValue, form: GGUFValueForm)]
  ) -> Metadata {
    let plain = Metadata(pairs.map { ($0.key, $0.value) })
    let usual = Self.usual(plain)
    let isUsual =
      usual.count == pairs.count
      && zip(usual, pairs).allSatisfy { $0.key == $1.key && $0.form == $1.form }
    guard !isUsual, plain[key] == nil else { return plain }
    var metadata = plain
    metadata[key] = .strings(pairs.map { "\($0.form.name) \($0.key.string)" })
    return metadata
  }

  /// The order and the forms without a layout: the architecture first, then ascending.
  private static func usual(_ metadata: Metadata) -> [Entry] {
    let entries = metadata.map { Entry($0.key, GGUFValueForm(of: $0.value)) }
    return entries.filter { $0.key == architecture } + entries.filter { $0.key != architecture }
  }

  /// How metadata are to be written: as their layout says, where it fits them.
  static func entries(_ metadata: Metadata) -> [Entry] {
    var plain = metadata
    for key in FormatNotes.keys { plain[key] = nil }
    guard case .strings(let lines) = metadata[key] else { return usual(plain) }
    var known = Set<TensorName>()
    var entries: [Entry] = []
    for line in lines {
      let parts = line.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1)
      guard parts.count == 2, let name = try? TensorName(utf8: Array(parts[1])),
        let value = plain[name], known.insert(name).inserted
      else { continue }
      let form = GGUFValueForm(name: String(decoding: parts[0], as: UTF8.self))
      entries.append(
        (name, form.flatMap { $0.holds(value) ? $0 : nil } ?? GGUFValueForm(of: value)))
    }
    return entries + usual(plain).filter { !known.contains($0.key) }
  }
}
