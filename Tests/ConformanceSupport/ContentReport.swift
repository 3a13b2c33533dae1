// What a container holds, as the conformance suite's manifest spells it: see Tests/Conformance.

import CairnCheckpoints
package import CairnContainer
package import CairnJSON
package import CairnSystem
package import CairnTensors
internal import CairnTestSupport

/// The JSON that a reader must print for a valid container. Everything is read for it.
package func contentReport(of container: Container) throws(CairnError) -> JSONValue {
  var metadata: JSONObject = [:]
  for (key, value) in container.metadata { metadata[key.string] = value.manifestForm }
  var blobs: JSONObject = [:]
  for blob in try container.blobs { blobs[blob.name.string] = .string(sha256(blob.bytes)) }
  var tensors: [JSONValue] = []
  for index in 0..<container.count { tensors.append(try tensorReport(at: index, of: container)) }
  let text = container.configuration.map { JSONValue.string(String(decoding: $0, as: UTF8.self)) }
  return [
    "format": "cairn",
    "version": .string("\(container.version.major).\(container.version.minor)"),
    "digests": container.root.map { .string($0.description) } ?? .null,
    "metadata": .object(metadata),
    "configuration": text ?? .null,
    "blobs": .object(blobs),
    "tensors": .array(tensors),
  ]
}

private func tensorReport(
  at index: Int, of container: Container
) throws(CairnError) -> JSONValue {
  let entry = try container.entry(at: index)
  let codec = try container.storage(at: index).codec
  return [
    "name": .string(entry.name.string),
    // The manifest states the blocks of a quantised tensor by their bytes alone.
    "dtype": .string(entry.dtype.name.hasPrefix("quantized") ? "quantized" : entry.dtype.name),
    "shape": .array(entry.shape.dimensions.map { .integer(Int64($0)) }),
    "bytes": .integer(Int64(entry.byteCount)),
    "storage": .string(codec == "raw" || codec == "alias" ? codec : "chunked"),
    "position": .integer(Int64(entry.position)),
    "alias_of": entry.aliasOf.map { .string($0.string) } ?? .null,
    "sha256": .string(sha256(try container.tensor(at: index).bytes)),
  ]
}

extension MetadataValue {
  /// The value as the manifest spells it: float64 by its bits, bytes by their digits.
  package var manifestForm: JSONValue {
    func form(_ type: String, _ value: JSONValue) -> JSONValue {
      ["type": .string(type), "value": value]
    }
    func bits(_ value: Double) -> JSONValue { .string(hex(value.bitPattern, digits: 16)) }
    func digits(_ bytes: [UInt8]) -> JSONValue {
      .string(bytes.map { hex($0, digits: 2) }.joined())
    }
    return switch self {
    case .bool(let one): form("bool", .bool(one))
    case .int(let one): form("i64", .integer(one))
    case .uint(let one): form("u64", .unsigned(one))
    case .float(let one): form("f64", bits(one))
    case .string(let one): form("string", .string(one))
    case .bytes(let one): form("bytes", digits(one))
    case .bools(let all): form("bool[]", .array(all.map { .bool($0) }))
    case .ints(let all): form("i64[]", .array(all.map { .integer($0) }))
    case .uints(let all): form("u64[]", .array(all.map { .unsigned($0) }))
    case .floats(let all): form("f64[]", .array(all.map(bits)))
    case .strings(let all): form("string[]", .array(all.map { .string($0) }))
    case .byteStrings(let all): form("bytes[]", .array(all.map(digits)))
    }
  }
}
