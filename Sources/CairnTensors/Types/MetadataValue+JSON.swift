// A value of the metadata as JSON, for formats and reports that have no other place for it.

package import CairnJSON
import CairnSystem

extension MetadataValue {
  /// The value as JSON. What type it had is lost.
  ///
  /// - Parameters:
  ///   - number: How a float is written; unless given as it is, also where JSON has no such number.
  ///   - bytes: How a byte string is written; unless given as lower-case hexadecimal text.
  package func json(
    number: (Double) -> JSONValue = { .double($0) },
    bytes: ([UInt8]) -> JSONValue = { .string($0.hexDigits) }
  ) -> JSONValue {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .integer(value)
    case .uint(let value): .unsigned(value)
    case .float(let value): number(value)
    case .string(let value): .string(value)
    case .bytes(let value): bytes(value)
    case .bools(let values): .array(values.map { .bool($0) })
    case .ints(let values): .array(values.map { .integer($0) })
    case .uints(let values): .array(values.map { .unsigned($0) })
    case .floats(let values): .array(values.map(number))
    case .strings(let values): .array(values.map { .string($0) })
    case .byteStrings(let values): .array(values.map(bytes))
    }
  }

  /// The name of the value's type: `int`, `strings` …
  package var typeName: String {
    switch self {
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .float: "float"
    case .string: "string"
    case .bytes: "bytes"
    case .bools: "bools"
    case .ints: "ints"
    case .uints: "uints"
    case .floats: "floats"
    case .strings: "strings"
    case .byteStrings: "byteStrings"
    }
  }
}
