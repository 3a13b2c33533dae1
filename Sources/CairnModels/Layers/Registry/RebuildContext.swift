// Making a model from its configuration: what is known while its layers are read one by one.

public import CairnJSON
public import CairnSystem

/// The state of making a model from a configuration.
///
/// The maker of a layer that contains layers passes it on to ``layer(from:at:)``.
public struct RebuildContext: Sendable {
  /// The classes that may be named.
  package let registry: LayerRegistry
  /// The version of Keras whose rules the layers follow.
  package let version: KerasVersion
  /// What initial values come from.
  package var build: BuildContext
  private let limits: ModelLimits
  private var depth = 0
  private var layerCount = 0
  /// The path of the layer that is being made, and Keras's `compile_config` of it.
  private(set) var modelPath: [String] = []
  private(set) var compileConfiguration: JSONValue?
  /// Layers that stand in several places: for each further place, the first.
  private var owners: [[String]: [String]] = [:]
  private var made: [[String]: (layer: any Layer, configuration: JSONValue)] = [:]

  init(
    registry: LayerRegistry, initialization: Initialization, limits: ModelLimits,
    version: KerasVersion = .newest, sharedLayers: [[[String]]] = []
  ) {
    self.registry = registry
    self.version = version
    self.limits = limits
    self.build = BuildContext(initialization, maximumParameters: limits.maximumParameters)
    for places in sharedLayers {
      for place in places.dropFirst() { owners[place] = places.first }
    }
  }

  /// A layer's configuration, opened: which class, and a reader of its `config`.
  struct Opened {
    let registryName: String
    let path: String
    /// Whether the class is one of Keras's.
    let isKeras: Bool
    var reader: ConfigurationReader
    let buildConfiguration: JSONValue?
    let compileConfiguration: JSONValue?
  }

  /// Opens the configuration of a layer: `class_name`, `module`, `config`, ….
  func open(_ value: JSONValue, at path: String) throws(CairnError) -> Opened {
    var wrapper = try ConfigurationReader(value, path: path)
    let className = try wrapper.string("class_name")
    // If the module is `null`, the class is one of the script that was run (`__main__`); without
    // the key, it is one of Keras's layers.
    let module =
      wrapper.has("module")
      ? try wrapper.optionalString("module") ?? "__main__" : "keras.layers"
    let registeredName = try wrapper.optionalString("registered_name")
    // The last is Keras 2 as a package of its own.
    let isKeras =
      module.isSpelt(as: "keras") || module.spellingBegins(with: "keras.")
      || module.spellingBegins(with: "tf_keras.")
    _ = wrapper.take("shared_object_id")
    let buildConfiguration = wrapper.take("build_config")
    let compileConfiguration = wrapper.take("compile_config")
    let settings = wrapper.take("config") ?? .object([:])
    if path.isEmpty {
      // The second and third are Keras 2's.
      for key in [ModelExtras.key, "keras_version", "backend"] { _ = wrapper.take(key) }
    }
    try wrapper.finish()
    // A class of another package may have the name of one of Keras's, but it is not that class.
    let isOperation = module.spellingBegins(with: "keras.src.ops.")
    // A registered name has a package; without a package it is only the class's name.
    let registered = registeredName.flatMap { $0.utf8.contains(UInt8(ascii: ">")) ? $0 : nil }
    let name =
      isOperation
      ? "\(module).\(className)" : isKeras ? className : registered ?? "\(module).\(className)"
    var reader = try ConfigurationReader(settings, path: wrapper.path(of: "config"))
    reader.version = version
    return Opened(
      registryName: name, path: path, isKeras: isKeras, reader: reader,
      buildConfiguration: buildConfiguration, compileConfiguration: compileConfiguration)
  }

  /// The layer of a configuration.
  ///
  /// - Parameter path: Where the configuration stands, for messages.
  /// - Throws: `unknownLayerClass`, `invalidConfiguration`, `unsupportedConfiguration`, and the
  ///   like, with the place in the JSON; `overBudget` beyond the limits.
  public mutating func layer(
    from value: JSONValue, at path: String
  ) throws(CairnError) -> any Layer {
    var opened = try open(value, at: path)
    var place = modelPath
    place.append(opened.reader.peekString("name") ?? "")
    if let owner = owners[place] {
      guard let first = made[owner], first.configuration == value else {
        throw CairnError(
          .invalidConfiguration, "a layer that stands in two places is not the same in both",
          at: .init(name: path), expected: "the layer ‘\(owner.joined(separator: "/"))’")
      }
      return first.layer
    }
    guard let maker = registry.maker(opened.registryName) else {
      throw unknownClass(opened, at: path)
    }
    let outside = try enter(opened)
    let layer = try maker(&opened.reader, &self)
    try finish(layer, opened)
    leave(outside)
    if !owners.isEmpty { made[place] = (layer, value) }
    return layer
  }

  private func unknownClass(_ opened: Opened, at path: String) -> CairnError {
    let name = opened.registryName
    let place = CairnError.Location(name: path.isEmpty ? "class_name" : "\(path).class_name")
    if name.spellingBegins(with: "keras.src.ops.") {
      return CairnError(
        .unknownLayerClass, "there is no operation ‘\(name)’", at: place,
        advice: "'cairn models' lists what there is")
    }
    guard opened.isKeras else {
      return CairnError(
        .unknownLayerClass,
        "the class ‘\(name)’ is the program's that wrote the model, and is not known here",
        at: place,
        advice:
          "A class of one's own can be entered in a LayerRegistry; nothing out of a file is run")
    }
    let known = registry.names.filter { !$0.spellingBegins(with: "keras.src.ops.") }
    return CairnError(
      .unknownLayerClass, "there is no layer class ‘\(name)’", at: place,
      advice: "Known are \(known.joined(separator: ", "))")
  }

  /// Counts a layer and makes its place the current one.
  mutating func enter(_ opened: Opened) throws(CairnError) -> (path: [String], JSONValue?) {
    guard depth < limits.maximumNesting else {
      throw CairnError(
        .overBudget, "models are nested too deeply", at: .init(name: opened.path),
        expected: "at most \(limits.maximumNesting) levels")
    }
    guard layerCount < limits.maximumLayers else {
      throw CairnError(
        .overBudget, "the model has too many layers", at: .init(name: opened.path),
        expected: "at most \(limits.maximumLayers)")
    }
    depth += 1
    layerCount += 1
    let outside = (modelPath, compileConfiguration)
    modelPath.append(opened.reader.peekString("name") ?? "")
    compileConfiguration = opened.compileConfiguration
    return outside
  }

  mutating func leave(_ outside: (path: [String], JSONValue?)) {
    depth -= 1
    (modelPath, compileConfiguration) = outside
  }

  /// Refuses unknown keys, and builds the layer if it was built when it was saved.
  mutating func finish(_ layer: any Layer, _ opened: Opened) throws(CairnError) {
    try opened.reader.finish()
    guard let configuration = opened.buildConfiguration else { return }
    let path = opened.path.isEmpty ? "build_config" : "\(opened.path).build_config"
    var reader = try ConfigurationReader(configuration, path: path)
    let shapes = try reader.buildShapes()
    try reader.finish()
    guard !shapes.isEmpty, !layer.isBuilt else { return }
    try located(at: path) { () throws(CairnError) in
      try layer.build(for: shapes, in: &build)
    }
  }
}

extension ConfigurationReader {
  /// The shapes of a `build_config`: one, a list of them, or several by name.
  mutating func buildShapes() throws(CairnError) -> [BatchShape] {
    if let value = take("shapes_dict") {
      var named = try ConfigurationReader(value, path: path(of: "shapes_dict"))
      var shapes: [BatchShape] = []
      // In the order of the arguments of a call, not in that of the keys, which a canonical form
      // sorts.
      let keys = (value.objectValue ?? [:]).map(\.key)
      func rank(_ key: String) -> Int {
        Self.argumentOrder.firstIndex { $0.utf8.elementsEqual(key.utf8) }
          ?? Self.argumentOrder.count
      }
      for key in keys.enumerated().sorted(by: {
        (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
      }).map(\.element) { shapes += try named.shapes(key) }
      return shapes
    }
    return try shapes("input_shape")
  }

  /// The names of the arguments that layers of several shapes are built for, in their order: query,
  /// value and key of attention, sequence and states of recurrent layers.
  private static let argumentOrder = [
    "input_shape", "sequences_shape", "sequence_shape", "query_shape", "value_shape", "key_shape",
    "initial_state_shape", "states_shape",
  ]

  /// A shape, or a list of them; none if the key is absent or `null`.
  private mutating func shapes(_ key: String) throws(CairnError) -> [BatchShape] {
    guard let elements = peek(key)?.arrayValue,
      elements.contains(where: { $0.arrayValue != nil })
    else { return try optionalShape(key).map { [$0] } ?? [] }
    _ = take(key)
    var shapes: [BatchShape] = []
    for (index, element) in elements.enumerated() {
      // A reader of its own: shapes are read by key.
      var one = try ConfigurationReader(
        ["shape": element], path: "\(path(of: key))[\(index)]")
      guard let shape = try one.optionalShape("shape") else {
        throw invalid(key, expected: "a shape, or a list of them")
      }
      shapes.append(shape)
    }
    return shapes
  }

  /// Whether there is such a key, `null` or not.
  func has(_ key: String) -> Bool { raw[key] != nil }

  /// The value at a key, without counting the key as known.
  func peek(_ key: String) -> JSONValue? {
    var copy = self
    return copy.take(key)
  }

  /// The string at a key, without counting the key as known.
  func peekString(_ key: String) -> String? { peek(key)?.stringValue }
}
