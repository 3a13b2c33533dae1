// What stands in for the functions that a checkpoint's pickle names. A name that is not here is
// refused; nothing is ever looked up or called by a name from the file.

import CairnSystem

/// The names that a pickle may mention, and what becomes of a "call" of each.
enum PickleCalls {
  private static let modules = ["torch", "torch.cuda"]
  private static let storageTypes: Set = [
    "DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage",
    "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage", "ComplexDoubleStorage",
    "ComplexFloatStorage",
  ]
  private static let quantized: Set = [
    "QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage",
  ]
  /// Names that are values themselves, of which nothing is made.
  private static let dtypes: Set = [
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
    "uint16", "uint32", "uint64", "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2",
    "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
  ]
  private static let functions: Set = [
    "collections.OrderedDict", "torch.Size", "torch.device",
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
  ]

  /// Whether a pickle may mention `module.name`.
  static func allows(module: String, name: String) -> Bool {
    let full = module + "." + name
    if functions.contains(full) || full == "torch.storage.UntypedStorage" { return true }
    return modules.contains(module) && storageTypes.contains(name)
      || module == "torch" && dtypes.contains(name)
  }

  /// The error for a name that is not allowed.
  static func refusal(
    module: String, name: String, at place: CairnError.Location
  ) -> CairnError {
    let full = (module + "." + name).excerpt
    let what =
      if quantized.contains(name) || name == "_rebuild_qtensor" {
        "the checkpoint holds quantised tensors"
      } else if name.hasPrefix("_rebuild_sparse") {
        "the checkpoint holds sparse tensors"
      } else if module.hasPrefix("__torch__") {
        "the checkpoint is a TorchScript program, which holds code"
      } else {
        "the checkpoint wants a Python object that is no tensor, number, text or container"
      }
    return CairnError(
      .unsupported, what + "; nothing was called", at: place, found: full,
      advice: "Save the state dictionary alone, with plain tensors")
  }

  /// What a "call" of an allowed name with `arguments` gives.
  ///
  /// - Returns: nil if the arguments are none that the function takes.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout PickleContent
  ) -> PickleValue? {
    switch function {
    case "collections.OrderedDict":
      // Python 2 gives the items as pairs, Python 3 sets them afterwards.
      guard arguments.count <= 1 else { return nil }
      var items: [PickleValue] = []
      for pair in arguments.first.map({ content.items($0) ?? [.none] }) ?? [] {
        guard let pair = content.items(pair), pair.count == 2 else { return nil }
        items += pair
        content.copied += 1
        guard content.copied <= PickleContent.maximumCopied else { return nil }
      }
      content.nodes.append(items)
      return .dict(content.nodes.count - 1)
    case "torch.Size":
      guard arguments.count == 1, let items = content.items(arguments[0]) else { return nil }
      content.nodes.append(items)
      return .tuple(content.nodes.count - 1)
    case "torch.device":
      guard case .text(let device)? = arguments.first else { return nil }
      return .text(device)
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard case .tensor? = arguments.first else { return nil }
      return arguments[0]
    default:
      return tensor(function, arguments, in: &content)
    }
  }

  private static func tensor(
    _ function: String, _ arguments: [PickleValue], in content: inout PickleContent
  ) -> PickleValue? {
    let isPlain = function == "torch._utils._rebuild_tensor"
    let isTyped = function == "torch._utils._rebuild_tensor_v3"
    guard arguments.count >= (isPlain ? 4 : isTyped ? 7 : 6),
      case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1], offset >= 0,
      let dimensions = content.sizes(arguments[2]), let strides = content.sizes(arguments[3]),
      dimensions.count == strides.count
    else { return nil }
    var tensor = TorchTensor(
      storage: storage, offset: Int(offset), dimensions: dimensions, strides: strides)
    if isTyped {
      guard case .global(let dtype) = arguments[6] else { return nil }
      tensor.dtype = dtype
    }
    // Conjugated and negated views come as a dictionary behind the rest.
    let rest = arguments.dropFirst(isTyped ? 7 : 6)
    guard isPlain || rest.allSatisfy({ content.items($0)?.isEmpty ?? ($0 == .none) }) else {
      return nil
    }
    content.tensors.append(tensor)
    return .tensor(content.tensors.count - 1)
  }
}
