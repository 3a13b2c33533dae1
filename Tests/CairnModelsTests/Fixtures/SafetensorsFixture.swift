// The golden files of tensors.

import CairnCheckpoints
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport

/// The tensors of a golden file.
struct SafetensorsFixture {
  private let source: any TensorSource

  init(_ path: String) throws { source = try CheckpointFile.open("\(fixtures)/\(path)").source }

  func tensor(_ name: String) throws -> Tensor { try source.tensor(named: TensorName(name)) }

  func metadata(_ key: String) throws -> String {
    guard case .string(let value) = try source.metadata[TensorName(key)] else {
      throw FixtureError(key)
    }
    return value
  }
}

struct FixtureError: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

/// The bytes of a file below `Fixtures/`.
func fixture(_ path: String) throws -> [UInt8] {
  let file = try FileBytes(path: "\(fixtures)/\(path)")
  return try file.withBytes(in: 0..<file.count) { $0.array }
}
