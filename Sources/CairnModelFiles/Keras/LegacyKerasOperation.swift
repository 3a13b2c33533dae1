// Operations of TensorFlow in models of Keras 2 (`TFOpLambda`, `SlicingOpLambda`) as operations of Keras 3.
// Keras 2 `layers/core/tf_op_layer.py`.

import CairnCheckpoints
import CairnJSON
import CairnModels
import CairnSystem

/// An operation of TensorFlow that Keras 3 has too. It computes the same; only names and settings
/// differ. Nothing is looked up or called. An operation that is not in the table is refused by its
/// name.
struct LegacyKerasOperation: Sendable {
  /// Keras 3's module below `keras.src.ops`, and its class.
  private let module: String
  private let className: String
  /// The arguments that may be tensors, behind the first.
  private var operands: [String] = []
  /// The settings that have other names: TensorFlow's name and Keras 3's.
  private var settings: [(from: String, to: String)] = []
  /// The values of settings that the call leaves out.
  private var defaults: JSONObject = [:]
  /// Settings that must have this value or be absent.
  private var fixed: JSONObject = [:]

  private init(
    _ module: String, _ className: String, operands: [String] = [],
    settings: [(from: String, to: String)] = [], defaults: JSONObject = [:], fixed: JSONObject = [:]
  ) {
    self.module = module
    self.className = className
    self.operands = operands
    self.settings = settings
    self.defaults = defaults
    self.fixed = fixed
  }

  /// Whether a layer is an operation of TensorFlow.
  static func isOperation(_ element: JSONValue) -> Bool {
    ["TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod"]
      .contains(element["class_name"]?.stringValue ?? "")
  }

  static func refusal(_ element: JSONValue, at path: String, _ what: String? = nil) -> CairnError {
    let name =
      element["config"]?["function"]?.stringValue ?? element["config"]?["name"]?.stringValue
      ?? element["class_name"]?.stringValue ?? ""
    return CairnError(
      .unsupportedConfiguration,
      what.map { "the operation of TensorFlow has \($0) that Cairn does not have" }
        ?? "the model has an operation of TensorFlow that Cairn does not have",
      at: .init(name: path), found: ("tf." + name).excerpt,
      advice: "The tensors can be converted; the model cannot be built")
  }

  /// The layers of Keras 3 that an operation becomes, in the order of a list of layers.
  ///
  /// - Parameter calls: In Keras 3's form.
  static func layers(
    _ element: JSONValue, name: String, calls: [JSONValue], at path: String
  ) throws(CairnError) -> [JSONValue] {
    // The arguments of `tf.nn.relu` and similar functions may differ from call to call, but their
    // settings may not.
    guard let function = element["config"]?["function"]?.stringValue,
      let operation = table[ByteKey(function)], calls.count == 1,
      case .object(var named)? = calls[0]["kwargs"], var arguments = calls[0]["args"]?.arrayValue,
      arguments.count == 1
    else { throw refusal(element, at: path) }
    named["name"] = nil
    var before: [JSONValue] = []
    for key in operation.operands {
      guard let operand = named[key] else { throw refusal(element, at: path, "operands") }
      named[key] = nil
      arguments.append(operand)
    }
    if operation.className == "Matmul" {
      for (number, key) in ["transpose_a", "transpose_b"].enumerated() {
        let turned = named[key]
        named[key] = nil
        guard let turned, turned != false else { continue }
        guard turned == true else { throw refusal(element, at: path, "the setting \(key)") }
        let helper = "\(name)_\(key)"
        before.append(
          layer("numpy", "Swapaxes", helper, ["axis1": -2, "axis2": -1], [arguments[number]]))
        arguments[number] = [
          "class_name": "__keras_tensor__",
          "config": ["keras_history": [.string(helper), 0, 0]],
        ]
      }
    }
    var settings = operation.defaults
    for (from, to) in operation.settings {
      guard let value = named[from] else { continue }
      settings[to] = value
      named[from] = nil
    }
    for (key, value) in operation.fixed where same(named[key], value) { named[key] = nil }
    if operation.className == "GetItem" { arguments[1] = items(arguments[1]) }
    if operation.className == "Split" { settings = sections(settings) }
    if operation.className == "Normalize" {
      // TensorFlow bounds the sum of squares, Keras the root of that sum.
      settings["epsilon"] = .double((named["epsilon"]?.doubleValue ?? 1e-12).squareRoot())
      settings["order"] = 2
      named["epsilon"] = nil
    }
    if operation.className == "Pad" {
      guard same(settings["mode"], "CONSTANT"), same(named["constant_values"] ?? 0, 0) else {
        throw refusal(element, at: path, "a way of padding")
      }
      settings["mode"] = "constant"
      named["constant_values"] = nil
    }
    if let left = named.first(where: { !$0.value.isNull })?.key {
      throw refusal(element, at: path, "the setting \(left.excerpt)")
    }
    return before
      + [layer(operation.module, operation.className, name, settings, arguments)]
  }

  /// Whether two values are equal, where `1` and `1.0` are the same number.
  private static func same(_ value: JSONValue?, _ other: JSONValue) -> Bool {
    guard let value else { return false }
    if let left = value.doubleValue, let right = other.doubleValue { return left == right }
    return value == other
  }

  private static func layer(
    _ module: String, _ className: String, _ name: String, _ settings: JSONObject,
    _ arguments: [JSONValue]
  ) -> JSONValue {
    var config = settings
    config["name"] = .string(name)
    return [
      "module": .string("keras.src.ops.\(module)"), "class_name": .string(className),
      "config": .object(config), "registered_name": .string(className), "name": .string(name),
      "inbound_nodes": [["args": .array(arguments), "kwargs": [:]]],
    ]
  }

  /// The items that select from each dimension.
  private static func items(_ value: JSONValue) -> JSONValue {
    .array(
      (value.arrayValue ?? [value]).map { item in
        guard let object = item.objectValue, object["class_name"] == nil else {
          return item["class_name"] == "__ellipsis__"
            ? ["class_name": "__ellipsis__", "config": [:]] : item
        }
        return ["class_name": "__slice__", "config": item]
      })
  }

  /// Turns the sizes of parts into the places of the cuts.
  private static func sections(_ settings: JSONObject) -> JSONObject {
    guard let sizes = settings["indices_or_sections"]?.arrayValue else { return settings }
    var made = settings
    var end = 0
    var ends: [JSONValue] = []
    for size in sizes.dropLast() {
      guard let size = size.intValue, size >= 0 else { return settings }
      guard let sum = end.adding(size) else { return settings }
      end = sum
      ends.append(.integer(Int64(end)))
    }
    made["indices_or_sections"] = .array(ends)
    return made
  }

  // MARK: The table

  private static let table: [ByteKey: LegacyKerasOperation] = {
    var table: [ByteKey: LegacyKerasOperation] = [:]
    func add(_ names: [String], _ operation: LegacyKerasOperation) {
      for name in names { table[ByteKey(name)] = operation }
    }
    for (name, className) in [
      ("negative", "Negative"), ("abs", "Absolute"), ("square", "Square"), ("sqrt", "Sqrt"),
      ("exp", "Exp"), ("log", "Log"), ("log1p", "Log1p"), ("expm1", "Expm1"), ("sin", "Sin"),
      ("cos", "Cos"), ("tanh", "Tanh"), ("sign", "Sign"), ("floor", "Floor"), ("ceil", "Ceil"),
      ("reciprocal", "Reciprocal"), ("logical_not", "LogicalNot"),
    ] { add(["math.\(name)", name], .init("numpy", className)) }
    add(["math.rsqrt"], .init("math", "Rsqrt"))
    for (name, className) in [
      ("relu", "Relu"), ("relu6", "Relu6"), ("sigmoid", "Sigmoid"), ("softplus", "Softplus"),
      ("softsign", "Softsign"), ("selu", "Selu"), ("elu", "Elu"),
    ] { add(["nn.\(name)", "math.\(name)", name], .init("nn", className)) }
    add(["nn.tanh"], .init("numpy", "Tanh"))
    add(["nn.silu", "nn.swish"], .init("nn", "Silu", fixed: ["beta": 1]))
    add(["math.log_sigmoid"], .init("nn", "LogSigmoid"))
    add(
      ["nn.gelu"],
      .init(
        "nn", "Gelu", settings: [("approximate", "approximate")], defaults: ["approximate": false]))
    add(
      ["nn.leaky_relu"],
      .init(
        "nn", "LeakyRelu", settings: [("alpha", "negative_slope")],
        defaults: ["negative_slope": 0.2]))
    for (name, className) in [("softmax", "Softmax"), ("log_softmax", "LogSoftmax")] {
      add(
        ["nn.\(name)", "nn.\(name)_v2"],
        .init("nn", className, settings: [("axis", "axis")], defaults: ["axis": -1]))
    }
    for (name, className) in [
      ("add", "Add"), ("subtract", "Subtract"), ("multiply", "Multiply"), ("divide", "TrueDivide"),
      ("truediv", "TrueDivide"), ("floordiv", "FloorDivide"), ("floormod", "Mod"), ("pow", "Power"),
      ("maximum", "Maximum"), ("minimum", "Minimum"), ("equal", "Equal"),
      ("not_equal", "NotEqual"), ("greater", "Greater"), ("greater_equal", "GreaterEqual"),
      ("less", "Less"), ("less_equal", "LessEqual"), ("logical_and", "LogicalAnd"),
      ("logical_or", "LogicalOr"), ("logical_xor", "LogicalXor"),
    ] {
      add(
        ["math.\(name)", "__operators__.\(name)", name], .init("numpy", className, operands: ["y"]))
    }
    for (name, className) in [
      ("mean", "Mean"), ("sum", "Sum"), ("max", "Max"), ("min", "Min"), ("prod", "Prod"),
      ("variance", "Var"), ("std", "Std"), ("all", "All"), ("any", "Any"),
    ] {
      add(
        ["math.reduce_\(name)", "reduce_\(name)"],
        .init(
          "numpy", className, settings: [("axis", "axis"), ("keepdims", "keepdims")],
          defaults: ["axis": .null, "keepdims": false]))
    }
    for (name, className) in [("argmax", "Argmax"), ("argmin", "Argmin")] {
      add(
        ["math.\(name)", name],
        .init(
          "numpy", className, settings: [("axis", "axis")],
          defaults: ["axis": 0, "keepdims": false]
        ))
    }
    add(["reshape"], .init("numpy", "Reshape", settings: [("shape", "newshape")]))
    add(
      ["compat.v1.transpose", "transpose"],
      .init(
        "numpy", "Transpose", settings: [("perm", "axes")], defaults: ["axes": .null],
        fixed: ["conjugate": false]))
    add(["expand_dims"], .init("numpy", "ExpandDims", settings: [("axis", "axis")]))
    add(
      ["compat.v1.squeeze", "squeeze"],
      .init("numpy", "Squeeze", settings: [("axis", "axis")], defaults: ["axis": .null]))
    add(["concat"], .init("numpy", "Concatenate", settings: [("axis", "axis")]))
    add(["stack"], .init("numpy", "Stack", settings: [("axis", "axis")], defaults: ["axis": 0]))
    add(
      ["unstack"],
      .init(
        "core", "Unstack", settings: [("num", "num"), ("axis", "axis")],
        defaults: ["axis": 0, "num": .null]))
    add(
      ["split"],
      .init(
        "numpy", "Split",
        settings: [("num_or_size_splits", "indices_or_sections"), ("axis", "axis")],
        defaults: ["axis": 0]))
    add(["linalg.matmul", "matmul"], .init("numpy", "Matmul", operands: ["b"]))
    add(["cast"], .init("core", "Cast", settings: [("dtype", "dtype")]))
    add(
      ["clip_by_value"],
      .init(
        "numpy", "Clip", settings: [("clip_value_min", "x_min"), ("clip_value_max", "x_max")]))
    add(["tile"], .init("numpy", "Tile", settings: [("multiples", "repeats")]))
    add(
      ["compat.v1.pad", "pad"],
      .init(
        "numpy", "Pad", settings: [("paddings", "pad_width"), ("mode", "mode")],
        defaults: ["mode": "CONSTANT"]))
    add(["math.l2_normalize"], .init("nn", "Normalize", settings: [("axis", "axis")]))
    add(
      ["where", "compat.v1.where", "where_v2"],
      .init("numpy", "Where", operands: ["x", "y"]))
    add(["stop_gradient"], .init("core", "StopGradient"))
    add(["identity"], .init("numpy", "Copy"))
    add(["__operators__.getitem"], .init("numpy", "GetItem", operands: ["slice_spec"]))
    return table
  }()
}
