// Checks that several suites make.

import CairnModels
import CairnSystem
import CairnTensors
import Testing

/// Expects `body` to throw an error of that code, and returns it.
@discardableResult
func expectError(
  _ code: CairnError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) -> CairnError? {
  let error = #expect(throws: CairnError.self, sourceLocation: sourceLocation) { try body() }
  #expect(error?.code == code, sourceLocation: sourceLocation)
  return error
}

/// Expects `body` to throw, and every variable of `model` to be as it was: to the bit, the same
/// object, with the same flag.
@discardableResult
func expectUnchanged(
  _ model: Model, _ code: CairnError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) throws -> CairnError? {
  func snapshot() -> [[String]: (ObjectIdentifier, Tensor, Bool)] {
    Dictionary(
      model.places(.fullState).map {
        ($0.path, (ObjectIdentifier($0.variable), $0.variable.value, $0.variable.trainable))
      }, uniquingKeysWith: { first, _ in first })
  }
  let before = snapshot()
  // A copy of the bits, in case someone writes into shared storage.
  let bits = before.mapValues { $0.1.bytes }
  let error = expectError(code, sourceLocation: sourceLocation, body)
  let after = snapshot()
  #expect(before.count == after.count, sourceLocation: sourceLocation)
  for (path, old) in before {
    let new = try #require(after[path], sourceLocation: sourceLocation)
    #expect(old.0 == new.0 && old.2 == new.2, sourceLocation: sourceLocation)
    #expect(bits[path] == new.1.bytes, sourceLocation: sourceLocation)
  }
  return error
}

/// Expects that two models have no variable and no byte of storage in common.
func expectDisjoint(
  _ left: Model, _ right: Model, sourceLocation: SourceLocation = #_sourceLocation
) {
  for a in left.variables {
    for b in right.variables {
      #expect(a !== b, sourceLocation: sourceLocation)
      #expect(
        !a.value.storageIdentity.overlaps(b.value.storageIdentity), sourceLocation: sourceLocation)
    }
  }
}

/// A model with a bit of everything: nested, frozen in parts, dropout with and without a seed.
func sampleModel(seed: UInt64 = 1) throws -> Sequential {
  let inner = try Sequential(
    [
      Dense(5, activation: .tanh, name: "middle"),
      BatchNormalization(name: "normalization", trainable: false), Dropout(0.5, name: "drop"),
    ], name: "inner")
  let model = try Sequential(
    [
      InputLayer(shape: [4], name: "in"), Dense(4, activation: .relu, name: "first"), inner,
      Dropout(0.25, seed: 77), Dense(3, activation: .softmax, usesBias: false, name: "last"),
    ], name: "sample", seed: seed)
  return model
}
