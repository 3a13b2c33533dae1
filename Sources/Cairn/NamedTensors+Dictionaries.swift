// Tensors from dictionaries and literals, and back.

public import CairnCheckpoints
public import CairnSystem
public import CairnTensors

extension NamedTensors: ExpressibleByDictionaryLiteral {
  /// The tensors of a literal, in its order.
  ///
  /// - Precondition: no name occurs twice, as in a dictionary literal. For names that are computed
  ///   or read, use ``init(_:)``, which throws.
  public init(dictionaryLiteral elements: (TensorName, Tensor)...) {
    do throws(CairnError) { try self.init(elements) } catch { preconditionFailure("\(error)") }
  }
}

extension NamedTensors {
  /// The tensors of a dictionary, in ascending order of the bytes of their names.
  ///
  /// - Throws: `invalidName` for a key that no tensor can have as its name.
  public init(_ tensors: [String: Tensor]) throws(CairnError) {
    var named: [(TensorName, Tensor)] = []
    for (name, tensor) in tensors { named.append((try TensorName(name), tensor)) }
    try self.init(named.sorted { $0.0 < $1.0 })
  }

  /// The tensors by their names. Tied tensors share their memory.
  ///
  /// Names are compared by their bytes. As `String`, two spellings of one character would be the
  /// same key.
  public var dictionary: [TensorName: Tensor] {
    var tensors: [TensorName: Tensor] = [:]
    for name in names { tensors[name] = self[name] }
    return tensors
  }
}
