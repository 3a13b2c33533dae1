// One run of cloning. It records which layer became which, so that each is cloned once, and what
// was one stays one.

import CairnJSON
import CairnSystem
import CairnTensors

/// The clones that were made so far, of all nested models.
final class CloneSession {
  let callFunction: Model.CallFunction?
  /// What initial values come from.
  var build: BuildContext
  private let cloneFunction: Model.CloneFunction
  private let isRecursive: Bool
  private var made: [ObjectIdentifier: any Layer] = [:]
  private var correspondence = CloneCorrespondence()

  init(
    _ cloneFunction: @escaping Model.CloneFunction, calling callFunction: Model.CallFunction?,
    recursive: Bool, seed: UInt64
  ) {
    self.cloneFunction = cloneFunction
    self.callFunction = callFunction
    isRecursive = recursive
    build = BuildContext(.seeded(seed))
  }

  /// The clone of a layer; the same one whenever it is asked for.
  func clone(_ layer: any Layer) throws(CairnError) -> any Layer {
    if let known = made[ObjectIdentifier(layer)] { return known }
    let clone: any Layer
    if isRecursive, let model = layer as? Model {
      clone = try model.redrawn(in: self, from: nil)
    } else {
      clone = try cloneFunction(layer)
      correspondence.add(layer, clone)
    }
    made[ObjectIdentifier(layer)] = clone
    return clone
  }

  /// Ties in the clone what is one variable in the original, and keeps flags of single variables.
  func keepIdentities(of model: Model) throws(CairnError) {
    try correspondence.build(in: &build)
    try correspondence.transfer(from: model)
  }
}

extension Model {
  /// The input layer of a clone: like `layer`, or of the shape and type of what replaces it.
  static func clonedInput(
    like layer: InputLayer?, replacedBy tensor: SymbolicTensor?
  ) throws(CairnError) -> InputLayer? {
    if let tensor {
      return try InputLayer(batchShape: tensor.shape, dtype: tensor.dtype, name: layer?.name)
    }
    guard let layer else { return nil }
    var reader = try ConfigurationReader(.object(layer.settings), path: layer.name)
    return try InputLayer(reading: &reader)
  }

  func wrongInputs(expected: Int, found: Int) -> CairnError {
    CairnError(
      .invalidArgument, "a clone begins with as many inputs as the original",
      at: .init(name: name), expected: "\(expected)", found: "\(found)")
  }
}
