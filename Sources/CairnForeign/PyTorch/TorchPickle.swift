// What PyTorch's pickles have besides Python's values: storages, and tensors, which are views of
// them.

import CairnSystem

/// A block of numbers that a checkpoint names.
struct TorchStorage {
  var key: ByteKey
  /// `torch.FloatStorage` …
  var type: String
  var elementCount: Int
  /// The bytes of a NumPy array, which are in the pickle itself.
  var held: PickleBytes?
  /// The bytes of a number of a held array whose byte order must be reversed.
  var swappedWidth = 1
  /// If this storage is a part of another one: the other's number, and the element at which the
  /// part begins.
  var part: (root: Int, offset: Int)?
}

/// A tensor that a pickle describes: a view of a storage.
struct TorchTensor: Hashable {
  var storage: Int
  /// Where it begins, in elements.
  var offset: Int
  var dimensions: [Int]
  /// In elements.
  var strides: [Int]
  /// The type of its elements, if the storage does not say it.
  var dtype: TorchDType?
  /// Whether the signs of the imaginary parts are to be flipped.
  var isConjugated = false
  /// Whether the signs of all numbers are to be flipped.
  var isNegated = false
}

/// PyTorch's pickles, and what is collected from them.
struct TorchPickle: PickleFormat {
  fileprivate(set) var storages: [TorchStorage] = []
  var tensors: [TorchTensor] = []
  /// The attributes that were set on a tensor, by its number.
  var attributes: [Int: [PickleValue]] = [:]
  /// The values of identifiers that are numbers, in archives of 2016.
  var numbered: [Int64: PickleValue] = [:]
  /// The number of the storage of each key.
  fileprivate var numbers: [ByteKey: Int] = [:]

  static let damageAdvice = "The file is damaged, or was not written by PyTorch"
  static let protocolAdvice = "Save it with pickle_protocol=2"
  static let renamedModules = [
    (old: "torch.tensor", new: "torch._tensor"),
    (old: "numpy.core.multiarray", new: "numpy._core.multiarray"),
    (old: "numpy.core.numeric", new: "numpy._core.numeric"),
  ]

  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    try TorchCalls.value(of: function, arguments, in: &content)
  }

  static func build(
    _ object: PickleValue, _ state: PickleValue, in content: inout TorchContent
  ) throws(CairnError) -> Bool {
    switch object {
    case .opaque(let object): try NumPyObjects.build(object, state, in: &content)
    case .made(let number):
      if !TorchCalls.build(tensor: number, state, in: &content) {
        content.format.attributes[number, default: []].append(state)
      }
      return true
    case .dict(let node) where content.forms[node] == NumPyObjects.dtypeForm:
      try NumPyObjects.build(dtype: node, state, in: &content)
      return true
    default: break
    }
    return false
  }

  static func value(
    of identifier: PickleValue, in machine: inout Unpickler<TorchPickle>
  ) throws(CairnError) -> PickleValue {
    try TorchReferences.value(of: identifier, in: &machine)
  }

  static func identifier(
    spelt line: [UInt8], in machine: inout Unpickler<TorchPickle>
  ) throws(CairnError) -> PickleValue {
    try TorchReferences.spelt(line, in: &machine)
  }
}

/// Everything that a pickle of PyTorch has built.
typealias TorchContent = PickleContent<TorchPickle>

extension TorchContent {
  var storages: [TorchStorage] { format.storages }
  var tensors: [TorchTensor] { format.tensors }

  /// The number of a storage. A known storage keeps its first description, as in PyTorch; an empty
  /// one may get another.
  mutating func storage(_ storage: TorchStorage) throws(CairnError) -> Int {
    if storage.held == nil {
      if let known = format.numbers[storage.key], storages[known].elementCount > 0 { return known }
      format.numbers[storage.key] = storages.count
    }
    try budget.take(bytes: 200 + storage.key.bytes.count)
    format.storages.append(storage)
    return storages.count - 1
  }

  mutating func tensor(_ tensor: TorchTensor) throws(CairnError) -> PickleValue {
    try budget.take(bytes: 160 + 16 * tensor.dimensions.count)
    format.tensors.append(tensor)
    return .made(tensors.count - 1)
  }

  /// Frees everything that tensors are not made from.
  mutating func letGoOfValues() {
    nodes = []
    attributes = [:]
    format.attributes = [:]
    objects = []
    format.tensors = []
  }
}
