// The golden files in `Fixtures/tensors`, made by NumPy and ml_dtypes (see `Fixtures/README.md`).

import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

enum Fixtures {
  private static let folder = URL(filePath: fixtures + "/tensors")

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  static func json(_ name: String) throws -> Any {
    try JSONSerialization.jsonObject(with: data(name))
  }
}

/// The least reader of safetensors: an 8-byte header length, a JSON header, then all bytes.
struct GoldenTensors {
  private let header: [String: Any]
  private let bytes: [UInt8]

  init(_ name: String) throws {
    let all = [UInt8](try Fixtures.data(name))
    let length = (0..<8).reduce(0) { $0 | Int(all[$1]) << (8 * $1) }
    let json = try JSONSerialization.jsonObject(with: Data(all[8..<8 + length]))
    header = try #require(json as? [String: Any])
    bytes = Array(all[(8 + length)...])
  }

  /// The bytes of the tensor called `name`.
  func bytes(of name: String) throws -> [UInt8] {
    let entry = try #require(header[name] as? [String: Any])
    let offsets = try #require(entry["data_offsets"] as? [Int])
    return Array(bytes[offsets[0]..<offsets[1]])
  }

  func patterns8(_ name: String) throws -> [UInt8] { try bytes(of: name) }

  func patterns16(_ name: String) throws -> [UInt16] {
    let bytes = try bytes(of: name)
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }

  func patterns32(_ name: String) throws -> [UInt32] {
    let bytes = try bytes(of: name)
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
  }
}

extension DType {
  /// The kinds of at most 8 bits, which the fixtures hold by table.
  static let smallFloats: [DType] = [
    .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU, .float6E2M3FN,
    .float6E3M2FN, .float4E2M1FN,
  ]
}

/// Patterns of `bitWidth` bits, packed least significant bits first: written for the tests alone,
/// bit by bit.
func packed(_ patterns: [UInt8], bitWidth: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: (patterns.count * bitWidth + 7) / 8)
  for (index, pattern) in patterns.enumerated() {
    for bit in 0..<bitWidth where pattern >> bit & 1 == 1 {
      let position = index * bitWidth + bit
      bytes[position / 8] |= 1 << UInt8(position % 8)
    }
  }
  return bytes
}

/// The reverse of `packed`.
func unpacked(_ bytes: [UInt8], bitWidth: Int, count: Int) -> [UInt8] {
  (0..<count).map { index in
    (0..<bitWidth).reduce(0) { pattern, bit in
      let position = index * bitWidth + bit
      return pattern | (bytes[position / 8] >> UInt8(position % 8) & 1) << UInt8(bit)
    }
  }
}
