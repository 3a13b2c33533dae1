// The variable: a reference to a tensor that can be replaced, as in TensorFlow and Keras.

public import CairnSystem

/// A named, mutable place for a tensor of fixed type and shape.
///
/// A variable is a reference: two names for one variable see each other's assignments, and a copy
/// that should not is made by ``deepCopy()`` (the counterpart of
/// `tf.Variable(v.value(), dtype=v.dtype)`). All operations are atomic: a reader sees a whole old
/// or a whole new value, never a mixture, whatever the threads do.
public final class Variable: Sendable {
  /// The name, as its layer gave it (`kernel`), not a path.
  public let name: String
  /// The element type, fixed for life.
  public let dtype: DType
  /// The shape, fixed for life.
  public let shape: Shape

  private enum Content {
    case known(Tensor)
    case deferred(DeferredTensor)
  }

  private struct State {
    var content: Content
    var isTrainable: Bool

    var value: Tensor {
      mutating get {
        switch content {
        case .known(let tensor): return tensor
        case .deferred(let deferred):
          let tensor = deferred.filled()
          content = .known(tensor)
          return tensor
        }
      }
      set { content = .known(newValue) }
    }
  }
  private let state: Lock<State>

  /// A variable that begins with `value`.
  public init(_ value: Tensor, name: String = "variable", trainable: Bool = true) {
    self.name = name
    self.dtype = value.dtype
    self.shape = value.shape
    self.state = Lock(State(content: .known(value), isTrainable: trainable))
  }

  /// A variable whose first value is made when it is first asked for, unless another comes before.
  package init(_ value: DeferredTensor, name: String, trainable: Bool) {
    self.name = name
    self.dtype = value.dtype
    self.shape = value.shape
    self.state = Lock(State(content: .deferred(value), isTrainable: trainable))
  }

  /// The current value: a snapshot that later assignments don't change.
  ///
  /// - Complexity: O(1), but O(elements) for the first look at initial values.
  public var value: Tensor { state.withLock { $0.value } }

  /// Whether an optimizer may change the variable.
  public var trainable: Bool {
    get { state.withLock { $0.isTrainable } }
    set { state.withLock { $0.isTrainable = newValue } }
  }

  /// Replaces the value.
  ///
  /// - Throws: `dtypeMismatch`, `shapeMismatch`; then nothing has changed.
  /// - Complexity: O(1): storage is shared with `value` until one of the two is written.
  public func assign(_ value: Tensor) throws(CairnError) {
    try checkAssignable(value)
    state.withLock { $0.value = value }
  }

  /// Adds `delta` element by element, in the variable's type (integers wrap, as in NumPy).
  ///
  /// - Throws: `dtypeMismatch`, `shapeMismatch`, `noConversion` for a type without arithmetic;
  ///   then nothing has changed.
  public func assignAdd(_ delta: Tensor) throws(CairnError) {
    try update(by: delta, .add)
  }

  /// Subtracts `delta` element by element, as ``assignAdd(_:)``.
  public func assignSub(_ delta: Tensor) throws(CairnError) {
    try update(by: delta, .subtract)
  }

  private func update(by delta: Tensor, _ operation: ElementwiseOperation) throws(CairnError) {
    try checkAssignable(delta)
    try state.withLock { (state) throws(CairnError) in
      // Computed aside and then put in place: a failure half-way leaves the old value.
      state.value = try operation.apply(state.value, delta)
    }
  }

  /// Checks that `value` could be assigned, without assigning it.
  ///
  /// - Throws: `dtypeMismatch`, `shapeMismatch`.
  package func checkAssignable(_ value: Tensor) throws(CairnError) {
    guard value.dtype == dtype else {
      throw CairnError(
        .dtypeMismatch, "the value has another element type than the variable",
        at: .init(name: name), expected: "\(dtype)", found: "\(value.dtype)",
        advice: "Convert it with cast(to:)")
    }
    guard value.shape == shape else {
      throw CairnError(
        .shapeMismatch, "the value has another shape than the variable", at: .init(name: name),
        expected: "\(shape)", found: "\(value.shape)")
    }
  }

  /// A new variable with the same name, trainability and bits, and storage of its own.
  ///
  /// - Throws: `outOfMemory`.
  public func deepCopy() throws(CairnError) -> Variable {
    let (value, isTrainable) = state.withLock { ($0.value, $0.isTrainable) }
    return Variable(try value.copied(), name: name, trainable: isTrainable)
  }
}

extension Variable: CustomStringConvertible {
  /// The name, type, shape and value.
  public var description: String {
    "Variable(name: \(name), dtype: \(dtype), shape: \(shape), trainable: \(trainable), value:\n"
      + "\(value))"
  }
}
