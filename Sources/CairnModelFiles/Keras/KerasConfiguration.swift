// Converts configurations of models from Keras 1, 2 and 3 to the form of Keras 3.

import CairnCheckpoints
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors

extension KerasVersion {
  /// The last version whose settings are spelt in the old way.
  static let oldest = KerasVersion(2, 15)
}

/// Reads configurations of any Keras.
enum KerasConfiguration {
  /// The text of `metadata.json`.
  static func about(_ pairs: [(String, String)]) throws(CairnError) -> [UInt8] {
    var object = JSONObject()
    for (key, value) in pairs { object[key] = .string(value) }
    return try ConfigurationText(.object(object)).text
  }

  /// The model of a configuration, with weights of zeros.
  ///
  /// - Throws: what ``Model/make(configuration:registry:initialization:limits:)`` throws.
  static func model(
    _ value: JSONValue, of source: (any TensorSource)? = nil, registry: LayerRegistry = .standard,
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    let current = try current(value, version: source.flatMap { version(of: $0) })
    let model = try Model.make(
      configuration: current.value, registry: registry, initialization: .zeros, limits: limits,
      version: current.version)
    try model.restoreOptimizers(of: value, maximumParameters: limits.maximumParameters)
    return model
  }

  /// A configuration of any Keras in the form of Keras 3's `.keras`, and the version whose rules
  /// the model computes by.
  static func current(
    _ value: JSONValue, version: KerasVersion?
  ) throws(CairnError) -> (value: JSONValue, version: KerasVersion?) {
    let value = withoutIdentities(value)
    // The result of `to_json()` in Keras 2 contains the version too.
    let version = version ?? value["keras_version"]?.stringValue.flatMap { KerasVersion($0) }
    let form = Form(value, version: version)
    guard form != .modern else { return (value, version) }
    let made = try LegacyKerasModel(isOld: form == .old).model(value, at: "", depth: 0)
    return (made, form == .old ? min(version ?? .oldest, .oldest) : version)
  }

  /// Whether a configuration has an activation that Keras 3 computes in another way under the same
  /// name: `hard_sigmoid` had another slope in Keras 1 and 2.
  static func hasOlderActivation(_ value: JSONValue, of source: any TensorSource) -> Bool {
    guard Form(value, version: version(of: source)) == .old else { return false }
    func look(_ value: JSONValue) -> Bool {
      for (key, inner) in value.objectValue ?? [:] {
        if key == "activation" || key == "recurrent_activation" || key == "inner_activation",
          inner.stringValue == "hard_sigmoid"
        {
          return true
        }
        if look(inner) { return true }
      }
      return (value.arrayValue ?? []).contains { look($0) }
    }
    return look(value)
  }

  /// The version of Keras that wrote a file. The model computes by the rules of that version.
  static func version(of source: any TensorSource) -> KerasVersion? {
    guard case .string(let text) = source.metadata["keras_version"] else { return nil }
    return KerasVersion(text)
  }

  /// Remarks on a configuration: the first class name that prevents making a model of it, and the
  /// version whose rules it computes by, if that is not the newest Keras. No model is made to find
  /// this out.
  static func remarks(_ source: any TensorSource) -> [String] {
    guard let value = try? source.parsedConfiguration()?.value else { return [] }
    var remarks: [String] = []
    if let version = version(of: source), let rule = version.remark { remarks.append(rule) }
    guard !isLegacy(value, of: source) else { return remarks }
    var strangers = StrangeClasses()
    strangers.look(at: value)
    if let name = strangers.first {
      remarks.append(
        "No model can be made of the configuration, which is kept as text: there is no layer class or function ‘"
          + "\(name.excerpt)’ [\(CairnError.Code.unknownLayerClass)].")
    }
    return remarks
  }

  /// A configuration without Keras's `shared_object_id`. Those are memory addresses in the process
  /// that wrote the configuration. Policies and the like that were one object become equal ones.
  private static func withoutIdentities(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements): return .array(elements.map { withoutIdentities($0) })
    case .object(let object):
      var made = JSONObject()
      for (key, inner) in object where key != "shared_object_id" || object["class_name"] == nil {
        made[key] = withoutIdentities(inner)
      }
      return .object(made)
    default: return value
    }
  }

  /// Whether a configuration has to be rewritten before Keras 3 can read it in a `.keras` file.
  static func isLegacy(_ value: JSONValue, of source: any TensorSource) -> Bool {
    Form(value, version: version(of: source)) != .modern
  }

  /// The form of a configuration.
  enum Form {
    /// The form of Keras 1 and 2, in HDF5 or in `.keras`.
    case old
    /// The form of Keras 3 in HDF5, without modules.
    case plain
    /// The form of Keras 3 in `.keras`.
    case modern

    /// - Parameter version: The version that the file states, in case the configuration does not
    ///   decide.
    init(_ value: JSONValue, version: KerasVersion?) {
      guard value["class_name"]?.stringValue != nil else {
        self = .modern
        return
      }
      // A class that was defined in the script itself has a null module.
      let hasModule = value["module"] != nil || value["registered_name"] != nil
      let module = value["module"]?.stringValue ?? ""
      if ["keras.src.engine.", "keras.engine.", "tf_keras."].contains(where: {
        module.spellingBegins(with: $0)
      }) {
        self = .old
      } else if let isOld = Self.isOld(value) {
        self = isOld ? .old : hasModule ? .modern : .plain
      } else if let version, version.major >= 3 || !hasModule {
        self = version.major < 3 ? .old : hasModule ? .modern : .plain
      } else {
        self = hasModule ? .modern : .old
      }
    }

    /// The answer of the first settings that the versions spell differently; nil if there are none.
    /// JSON is nested no deeper than its parser allows.
    private static func isOld(_ value: JSONValue) -> Bool? {
      let config = value["config"]
      if config?["batch_shape"] != nil { return false }
      if config?["batch_input_shape"] != nil { return true }
      switch config?["dtype"]?["class_name"]?.stringValue {
      case "DTypePolicy"?: return false
      case "Policy"?: return true
      default: break
      }
      for layer in config?["layers"]?.arrayValue ?? config?.arrayValue ?? [] {
        if let isOld = isOld(layer) { return isOld }
      }
      return nil
    }
  }
}

/// A search for layers of unknown classes. It makes no layers.
private struct StrangeClasses {
  private(set) var first: String?
  private static let functions = ["activation", "recurrent_activation"]
  private let known = Set(LayerRegistry.standard.names.map { ByteKey($0) })

  /// Looks at a layer and the layers within it. JSON is nested no deeper than its parser allows.
  mutating func look(at layer: JSONValue) {
    guard first == nil, let className = layer["class_name"]?.stringValue else { return }
    let module = layer["module"]?.stringValue
    let isKeras = module.map {
      $0.isSpelt(as: "keras") || $0.spellingBegins(with: "keras.")
        || $0.spellingBegins(with: "tf_keras.")
    }
    let registered = layer["registered_name"]?.stringValue
    let name =
      switch isKeras {
      case true? where module?.spellingBegins(with: "keras.src.ops.") == true:
        "\(module ?? "").\(className)"
      case true?: className
      case false?: registered ?? "\(module ?? "").\(className)"
      case nil: layer["module"] == nil ? className : registered ?? "__main__.\(className)"
      }
    guard known.contains(ByteKey(name)) else {
      first = name
      return
    }
    for key in Self.functions {
      guard let function = layer["config"]?[key], function["class_name"]?.stringValue == "function",
        let owner = function["module"]?.stringValue, !owner.isSpelt(as: "builtins"),
        !owner.spellingBegins(with: "keras")
      else { continue }
      first = first ?? "\(owner).\(function["config"]?.stringValue ?? "?")"
    }
    for inner in layer["config"]?["layers"]?.arrayValue ?? [] { look(at: inner) }
    for key in ["layer", "backward_layer", "cell"] {
      if let inner = layer["config"]?[key] { look(at: inner) }
    }
  }
}
