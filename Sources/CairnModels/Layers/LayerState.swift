// What every layer has, under one lock: its name, its flag, its variables.

package import CairnJSON
public import CairnSystem
public import CairnTensors

/// The part of a layer that can change: name (until it is given), `trainable`, variables.
///
/// A layer's class keeps one as a constant and is otherwise immutable; that makes it `Sendable`.
public final class LayerState: Sendable {
  /// In which types the layer keeps its variables and computes.
  public let dtype: DTypePolicy
  /// Keras's `activity_regularizer`, kept as it was read; it has no effect on evaluation.
  let activityRegularizer: JSONValue?
  /// The keys that the layer's class read when it was made from a configuration, in its spelling,
  /// with defaults filled in.
  let ownSettings: JSONObject
  /// The version of Keras whose rules the layer follows.
  let version: KerasVersion
  /// False for `InputLayer`, which has no such flag in Keras's configuration.
  let hasTrainableFlag: Bool

  private struct Contents {
    var name: String
    var isNamed: Bool
    var isTrainable: Bool
    var variables: [LayerVariable] = []
    var inputShapes: [BatchShape]?
  }
  private let contents: Lock<Contents>

  /// The state of a layer that is not built.
  ///
  /// - Parameters:
  ///   - className: The layer's class, in Keras's spelling; a name is made from it if none is
  ///     given.
  ///   - name: The layer's name; if nil, the first model that the layer is added to gives it one.
  /// - Throws: `invalidName` for a name that is empty, longer than 255 bytes, or holds a slash or a
  ///   control character.
  public convenience init(
    className: String, name: String?, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      className: className, name: name, trainable: trainable, dtype: dtype,
      ownSettings: JSONObject())
  }

  init(
    className: String, name: String?, trainable: Bool = true, dtype: DTypePolicy = .float32,
    activityRegularizer: JSONValue? = nil, ownSettings: JSONObject,
    version: KerasVersion = .newest, hasTrainableFlag: Bool = true
  ) throws(CairnError) {
    if let name { try LayerName.check(name) }
    self.dtype = dtype
    self.version = version
    self.ownSettings = ownSettings
    self.activityRegularizer = activityRegularizer
    self.hasTrainableFlag = hasTrainableFlag
    self.contents = Lock(
      Contents(
        name: name ?? LayerName.automatic(for: className), isNamed: name != nil,
        isTrainable: trainable))
  }

  /// The layer's name.
  public var name: String { contents.withLock { $0.name } }
  /// Whether the name was given, by the user or by a model.
  package var isNamed: Bool { contents.withLock { $0.isNamed } }
  /// The shapes that the layer was built for, or nil.
  package var inputShapes: [BatchShape]? { contents.withLock { $0.inputShapes } }
  /// The layer's own variables: trainable weights, other weights, other state.
  public var variables: [LayerVariable] { contents.withLock { $0.variables } }

  /// The variable called `name`, or nil.
  public func variable(_ name: String) -> Variable? {
    contents.withLock { $0.variables.first { $0.name == name }?.variable }
  }

  /// The state of a layer that is not built, of the same name, flag and configuration.
  func fresh(_ className: String) throws(CairnError) -> LayerState {
    let (name, isNamed, isTrainable) = contents.withLock { ($0.name, $0.isNamed, $0.isTrainable) }
    return try LayerState(
      className: className, name: isNamed ? name : nil, trainable: isTrainable, dtype: dtype,
      activityRegularizer: activityRegularizer, ownSettings: ownSettings, version: version,
      hasTrainableFlag: hasTrainableFlag)
  }

  /// Names the layer unless it has a name already.
  func nameIfUnnamed(_ name: String) {
    contents.withLock { contents in
      if !contents.isNamed {
        contents.name = name
        contents.isNamed = true
      }
    }
  }

  var isTrainable: Bool { contents.withLock { $0.isTrainable } }

  /// Sets the layer's own flag and those of its trainable weights, not its sublayers'.
  func setTrainable(_ value: Bool) {
    guard hasTrainableFlag else { return }
    contents.withLock { contents in
      contents.isTrainable = value
      for place in contents.variables where place.role == .trainable {
        place.variable.trainable = value
      }
    }
  }

  /// Makes the variables and keeps them, unless there are some.
  ///
  /// `make` may be called by several threads at once, and by each at most once; the variables of
  /// one are kept. Weights of a frozen layer are born frozen, as in Keras
  /// (`Layer._track_variable`).
  ///
  /// - Throws: what `make` throws; `duplicateName` if two variables have one name. Then the layer
  ///   is as it was.
  package func buildOnce(
    for inputs: [BatchShape], _ make: () throws(CairnError) -> [LayerVariable]
  ) throws(CairnError) {
    guard inputShapes == nil else { return }
    // Called without the lock: the layer's class may ask for its name, or for what it has.
    let made = try make()
    var order: [LayerVariable] = []
    for role in [LayerVariable.Role.trainable, .nonTrainable, .state] {
      order += made.filter { $0.role == role }
    }
    for (index, place) in order.enumerated() {
      guard !order[..<index].contains(where: { $0.name == place.name }) else {
        throw CairnError(
          .duplicateName, "a layer has two variables of one name",
          at: .init(name: "\(name)/\(place.name)"))
      }
    }
    contents.withLock { contents in
      guard contents.inputShapes == nil else { return }
      if !contents.isTrainable {
        for place in order where place.role == .trainable { place.variable.trainable = false }
      }
      contents.variables = order
      contents.inputShapes = inputs
    }
  }

  /// Adds variables to those that are there.
  func append(_ variables: [LayerVariable]) {
    contents.withLock { $0.variables += variables }
  }

  /// Puts another variable in a place. The place exists; dtype and shape were checked.
  func replace(_ name: String, by variable: Variable) {
    contents.withLock { contents in
      if let index = contents.variables.firstIndex(where: { $0.name == name }) {
        contents.variables[index].variable = variable
      }
    }
  }

  /// The members with which every layer's `config` begins (Keras `layers/layer.py`, `get_config`).
  package var baseSettings: JSONObject {
    let (name, isTrainable) = contents.withLock { ($0.name, $0.isTrainable) }
    var settings: JSONObject = [
      "name": .string(name), "trainable": .bool(isTrainable), "dtype": dtype.json,
    ]
    if let activityRegularizer { settings["activity_regularizer"] = activityRegularizer }
    return settings
  }

  /// The base settings, then the class's own.
  var settings: JSONObject {
    var settings = baseSettings
    for (key, value) in ownSettings { settings[key] = value }
    return settings
  }

  /// The same, with members whose values are not fixed when the layer is made.
  func settings(with members: KeyValuePairs<String, JSONValue>) -> JSONObject {
    var settings = settings
    for (key, value) in members { settings[key] = value }
    return settings
  }

  /// The type that the layer is evaluated in: the type of floats that come in and of
  /// ``weight(_:rounded:)``. It is float64 for a layer that computes in float64, and float32 for
  /// all others. Results are rounded to the 16-bit types afterwards.
  package var evaluationDType: DType { Precision(for: dtype.computeDType).dtype }

  /// Checks that `input` has the type that the layer is evaluated in.
  ///
  /// - Throws: `dtypeMismatch`.
  package func check(_ input: Tensor) throws(CairnError) {
    guard input.dtype == evaluationDType else {
      throw CairnError(
        .dtypeMismatch, "the layer's input is not of the type that it computes in",
        at: .init(name: name), expected: "\(evaluationDType)", found: "\(input.dtype)",
        advice: "Convert it with cast(to:)")
    }
  }

  /// Checks that this layer can compute with `input` in float32: for layers of your own that know
  /// no other type.
  ///
  /// - Throws: `unsupportedConfiguration` if the layer computes in float64; `dtypeMismatch`.
  public func checkFloat32(_ input: Tensor) throws(CairnError) {
    guard evaluationDType == .float32 else {
      throw CairnError(
        .unsupportedConfiguration,
        "the layer computes in \(dtype), but its class in float32 at most", at: .init(name: name))
    }
    try check(input)
  }

  /// The precision that the layer computes in. Checks that its inputs are of that type.
  func precision(of inputs: Tensor...) throws(CairnError) -> Precision {
    try precision(of: inputs)
  }

  /// As above.
  func precision(of inputs: [Tensor]) throws(CairnError) -> Precision {
    for input in inputs { try check(input) }
    return Precision(for: dtype.computeDType)
  }

  /// The variable called `name`.
  ///
  /// - Throws: `notBuilt` if there is none.
  package func requireVariable(_ name: String) throws(CairnError) -> Variable {
    guard let variable = variable(name) else { throw notBuilt() }
    return variable
  }

  /// The value of the variable called `name` in ``evaluationDType``. It is first rounded to the
  /// compute type, unless `rounded` is false: Keras does not round the weights of layers whose
  /// `autocast` is false.
  ///
  /// - Throws: `notBuilt` if there is none.
  public func weight(_ name: String, rounded: Bool = true) throws(CairnError) -> Tensor {
    let value = try requireVariable(name).value
    guard rounded, dtype.computeDType != dtype.variableDType else {
      return try value.cast(to: evaluationDType)
    }
    return try value.cast(to: dtype.computeDType).cast(to: evaluationDType)
  }

  /// As ``weight(_:rounded:)``, as an array.
  func weightScalars<Scalar: FloatScalar>(
    _ name: String, rounded: Bool = true
  ) throws(CairnError) -> [Scalar] {
    try weight(name, rounded: rounded).scalars()
  }

  func notBuilt() -> CairnError {
    CairnError(
      .notBuilt, "the layer has no variables yet", at: .init(name: name),
      advice: "Call build(inputShape:), or begin the model with an InputLayer")
  }
}
