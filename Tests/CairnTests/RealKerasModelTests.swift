// Models out of Keras's files against Keras's predictions: `make test-formats` makes the cases and names
// them in the environment (Tests/Formats/test_keras.py).

import Cairn
import CairnTestSupport
import Foundation
import Testing

/// Folders, each with a model, an input and what Keras predicts.
private let cases =
  ProcessInfo.processInfo.environment["CAIRN_KERAS_CASES"]?.split(separator: ":").map(String.init)
  ?? []

@Suite(.enabled(if: !cases.isEmpty, "make test-formats makes the cases"))
struct RealKerasModelTests {
  @Test(arguments: cases)
  func `A real model predicts what it predicts in Keras`(folder: String) throws {
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix("model.") })
    func array(_ name: String) throws -> Tensor {
      try CheckpointFile.open("\(folder)/\(name).npy").source.tensor(at: 0)
    }
    let model = try Model.load(from: "\(folder)/\(name)")
    let found: [Float] = try model.predict(array("input")).cast(to: .float32).scalars()
    let expected: [Float] = try array("expected").cast(to: .float32).scalars()
    #expect(found.count == expected.count && !found.isEmpty)
    // A step of bfloat16 is 2^-8 of the value.
    let tolerance: Float = folder.hasSuffix("bfloat16") ? 0.02 : 1e-4
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= tolerance) }
    try model.save(to: "\(folder)/written.keras")
  }
}
