// PyTorch's own types, and the constructors of tensors (torch/_utils.py, `_rebuild_tensor_v2` …).

import CairnSystem
import CairnTensors

/// What stands in for the functions of PyTorch that a pickle names.
enum TorchCalls {
  /// What a "call" of a name with `arguments` gives.
  ///
  /// - Returns: nil for a name that is not in the list, or arguments that it does not take.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    switch function {
    case "torch.Size":
      return try PickleCalls.sequence(arguments, in: &content).map { .tuple($0) }
    case "torch.device": return try device(arguments, in: &content)
    case "torch.serialization._get_layout":
      guard arguments.count == 1, let layout = content.text(arguments[0]) else { return nil }
      return .global(try content.name(layout))
    // Lists of TorchScript, with their types beside them.
    case "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
      "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist":
      guard arguments.count == 1, content.items(arguments[0]) != nil else { return nil }
      return arguments[0]
    case "torch.jit._pickle.restore_type_tag": return arguments.first
    default:
      if let value = try NumPyObjects.value(of: function, arguments, in: &content) { return value }
      return try tensor(of: function, arguments, in: &content)
    }
  }

  private static func device(
    _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    guard case .text(let kind)? = arguments.first, arguments.count <= 2 else { return nil }
    guard arguments.count == 2 else { return .text(kind) }
    guard case .int(let index) = arguments[1], kind.count < 64 else { return nil }
    return .text(try content.keep(Array(content.bytes(kind)) + Array(":\(index)".utf8)))
  }

  /// The tensor that a constructor gives; nil for another name, or for arguments that it does not
  /// take.
  static func tensor(
    of function: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    switch function {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
      "torch._utils._rebuild_tensor_v3":
      return try view(function, arguments, in: &content)
    case "torch._utils._rebuild_parameter", "torch.nn.parameter.Parameter",
      "torch.nn.parameter.Buffer", "torch._utils._rebuild_parameter_with_state":
      guard let data = arguments.first, isTensor(data, in: content) else { return nil }
      if function == "torch._utils._rebuild_parameter_with_state", arguments.count == 4 {
        try attach(arguments[3], to: data, in: &content)
      }
      return data
    case "torch._tensor._rebuild_from_type_v2":
      return try typed(arguments, in: &content)
    case "torch._utils._rebuild_qtensor": return try quantized(arguments, in: &content)
    case "torch._utils._rebuild_sparse_tensor":
      guard arguments.count == 2, let layout = content.name(arguments[0]),
        let parts = content.items(arguments[1])
      else { return nil }
      return try sparse(layout, parts, in: &content)
    case "torch._utils._rebuild_nested_tensor":
      guard arguments.count == 4 else { return nil }
      return try content.record(
        "nested tensor",
        Array(zip(["values", "sizes", "strides", "storage_offsets"], arguments)).map { ($0, $1) })
    case "torch._utils._rebuild_meta_tensor_no_storage":
      guard arguments.count == 4, content.name(arguments[0]) != nil,
        content.sizes(arguments[1]) != nil
      else { return nil }
      let device = PickleValue.text(try content.keep(Array("meta".utf8)))
      return try content.record(
        "meta tensor, which has no values",
        [("device", device), ("dtype", arguments[0]), ("shape", arguments[1])])
    case "torch._utils._rebuild_device_tensor_from_cpu_tensor",
      "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_xla_tensor":
      return moved(arguments, in: content)
    default: return try instance(of: function, arguments, in: &content)
    }
  }

  /// A view of a storage.
  private static func view(
    _ function: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    let isPlain = function == "torch._utils._rebuild_tensor"
    let isTyped = function == "torch._utils._rebuild_tensor_v3"
    guard arguments.count >= (isPlain ? 4 : isTyped ? 7 : 6),
      case .reference(let storage) = arguments[0], case .int(let offset) = arguments[1],
      offset >= 0,
      let dimensions = content.sizes(arguments[2]), let strides = content.sizes(arguments[3]),
      dimensions.count == strides.count
    else { return nil }
    var tensor = TorchTensor(
      storage: storage, offset: Int(offset), dimensions: dimensions, strides: strides)
    if isTyped {
      guard let name = content.name(arguments[6]), let dtype = TorchDType.dtype(named: name) else {
        return nil
      }
      tensor.dtype = dtype
    } else if TorchDType.dtype(ofStorage: content.storages[storage].type) == nil {
      return nil
    }
    // A dictionary after the other arguments marks conjugated and negated views.
    if !isPlain, let marks = arguments.dropFirst(isTyped ? 7 : 6).first, marks != .none {
      guard case .dict(let node) = marks else { return nil }
      let items = content.nodes[node]
      for place in stride(from: 0, to: items.count - 1, by: 2) {
        guard case .bool(let isSet) = items[place + 1] else { return nil }
        if content.isText(items[place], "conj") {
          tensor.isConjugated = isSet
        } else if content.isText(items[place], "neg") {
          tensor.isNegated = isSet
        } else {
          return nil
        }
      }
    }
    if tensor.isConjugated || tensor.isNegated {
      let type = tensor.dtype ?? TorchDType.dtype(ofStorage: content.storages[storage].type)
      guard type?.hasSigns == true else { return nil }
    }
    let made = try content.tensor(tensor)
    if tensor.dtype?.isOther == true, case .made(let number) = made {
      // The name of the original type is kept beside the tensor.
      let key = PickleValue.text(try content.keep(Array("dtype".utf8)))
      attach(.dict(try content.node([key, arguments[6]])), to: number, in: &content)
    }
    return made
  }

  /// Keeps the attributes that were set on a tensor. If there are none, the state is `None` or a
  /// pair of `None`.
  private static func attach(
    _ state: PickleValue, to number: Int, in content: inout TorchContent
  ) {
    guard state != .none else { return }
    content.format.attributes[number, default: []].append(state)
  }

  /// Whether a value is a tensor or stands for one: its parts, or an object that is not made.
  private static func isTensor(_ value: PickleValue, in content: TorchContent) -> Bool {
    switch value {
    case .made, .opaque: true
    case .dict(let node): content.forms[node].map { $0 != NumPyObjects.dtypeForm } ?? false
    default: false
    }
  }

  /// Keeps the attributes that were set on a value that ``isTensor(_:in:)`` accepts.
  private static func attach(
    _ state: PickleValue, to tensor: PickleValue, in content: inout TorchContent
  ) throws(CairnError) {
    guard state != .none else { return }
    try content.budget.take(bytes: 48)
    switch tensor {
    case .made(let number): attach(state, to: number, in: &content)
    case .dict(let node): content.attributes[node, default: []].append(state)
    case .opaque(let object): content.objects[object].states.append(state)
    default: break
    }
  }

  /// A tensor of a subclass, or with attributes: (function, type, arguments, state).
  private static func typed(
    _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    guard arguments.count == 4, case .global(let function) = arguments[0],
      let items = content.items(arguments[2]),
      // It must not name itself: each time would be one level deeper.
      content.names[function] != "torch._tensor._rebuild_from_type_v2"
    else { return nil }
    let made = try tensor(of: content.names[function], items, in: &content)
    guard let made else {
      // The object's class says what it would be; the function is among the arguments.
      guard case .global(let type) = arguments[1], !isPlainType(content.names[type]) else {
        return nil
      }
      try content.budget.take(items.count, of: MemoryLayout<PickleValue>.stride)
      let all = try content.node([arguments[0]] + items)
      let object = try content.opaque(type, .tuple(all))
      try attach(arguments[3], to: object, in: &content)
      return object
    }
    guard isTensor(made, in: content) else { return nil }
    try attach(arguments[3], to: made, in: &content)
    if let type = content.name(arguments[1]), !isPlainType(type) {
      let key = PickleValue.text(try content.keep(Array("__class__".utf8)))
      try attach(.dict(try content.node([key, arguments[1]])), to: made, in: &content)
    }
    return made
  }

  private static func isPlainType(_ type: String) -> Bool {
    [
      "torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter",
      "torch.nn.parameter.Buffer",
    ].contains { $0.isSpelt(as: type) }
  }

  /// A quantised tensor as its parts: the integers, scale and zero point.
  private static func quantized(
    _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    guard arguments.count >= 5, case .reference(let storage) = arguments[0],
      case .int(let offset) = arguments[1], offset >= 0, let sizes = content.sizes(arguments[2]),
      let strides = content.sizes(arguments[3]), sizes.count == strides.count,
      let parameters = content.items(arguments[4]), let scheme = parameters.first,
      content.name(scheme) != nil, parameters.count == 3 || parameters.count == 4
    else { return nil }
    let storageType = content.storages[storage].type
    var pairs: [(String, PickleValue)] = []
    if storageType.spellingEnds(with: "QUInt4x2Storage")
      || storageType.spellingEnds(with: "QUInt2x4Storage")
    {
      // There are several numbers in a byte, and each row is padded to whole bytes. The bytes are
      // kept as they are, with the shape beside them. For a part, PyTorch does not say where in a
      // byte it begins.
      let perByte = storageType.spellingEnds(with: "QUInt4x2Storage") ? 2 : 4
      guard offset == 0, StridedElements.isRowMajor(sizes, strides),
        let count = packedByteCount(sizes, perByte: perByte),
        count <= content.storages[storage].elementCount
      else { return nil }
      let packed = TorchTensor(
        storage: storage, offset: 0, dimensions: [count], strides: [1],
        dtype: TorchDType(dtype: .uint8))
      pairs = [("packed", try content.tensor(packed)), ("size", arguments[2])]
    } else {
      let tensor = TorchTensor(
        storage: storage, offset: Int(offset), dimensions: sizes, strides: strides)
      pairs = [("int_repr", try content.tensor(tensor))]
    }
    let element =
      ByteKey(storageType).split(at: ".").last?.text.dropping(suffix: "Storage")?.lowercased() ?? ""
    pairs.append(("dtype", .global(try content.name("torch." + element))))
    // PyTorch writes the same name for both per-channel schemes, and tells them apart by the type
    // of the zero points.
    if parameters.count == 4, case .made(let zeros) = parameters[2],
      type(of: content.tensors[zeros], in: content)?.dtype.isFloatingPoint == true
    {
      pairs.append(("qscheme", .global(try content.name("torch.per_channel_affine_float_qparams"))))
    } else {
      pairs.append(("qscheme", scheme))
    }
    if parameters.count == 3 {
      pairs += [("scale", parameters[1]), ("zero_point", parameters[2])]
    } else {
      pairs += [
        ("scales", parameters[1]), ("zero_points", parameters[2]), ("axis", parameters[3]),
      ]
    }
    return try content.record("quantised tensor", pairs)
  }

  /// The bytes of numbers that are packed several to a byte, with whole bytes for each row.
  private static func packedByteCount(_ sizes: [Int], perByte: Int) -> Int? {
    guard let row = sizes.last else { return 1 }
    let rowBytes = row / perByte + (row.isMultiple(of: perByte) ? 0 : 1)
    return sizes.dropLast().product(times: rowBytes)
  }

  /// A sparse tensor as its parts.
  private static func sparse(
    _ layout: String, _ parts: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    let names: [String]
    switch layout {
    case "torch.sparse_coo": names = ["indices", "values", "size", "is_coalesced"]
    case "torch.sparse_csr", "torch.sparse_bsr":
      names = ["crow_indices", "col_indices", "values", "size"]
    case "torch.sparse_csc", "torch.sparse_bsc":
      names = ["ccol_indices", "row_indices", "values", "size"]
    default: return nil
    }
    guard parts.count == names.count || layout == "torch.sparse_coo" && parts.count == 3 else {
      return nil
    }
    // Older versions did not write whether each index occurs only once.
    let all = parts.count < names.count ? parts + [.bool(false)] : parts
    let kind = PickleValue.global(try content.name(layout))
    return try content.record(
      "sparse tensor", [("layout", kind)] + zip(names, all).map { ($0, $1) })
  }

  /// The type of a tensor's elements.
  private static func type(of tensor: TorchTensor, in content: TorchContent) -> TorchDType? {
    tensor.dtype ?? TorchDType.dtype(ofStorage: content.storages[tensor.storage].type)
  }

  /// A tensor that is loaded to another device than it was saved from; nil if its type differs too.
  private static func moved(
    _ arguments: [PickleValue], in content: TorchContent
  ) -> PickleValue? {
    guard arguments.count == 4, let dtype = content.name(arguments[1]) else { return nil }
    var data = arguments[0]
    if case .opaque(let object) = data, let array = content.objects[object].resolved {
      data = array
    }
    guard case .made(let number) = data else { return nil }
    let tensor = content.tensors[number]
    return type(of: tensor, in: content) == TorchDType.dtype(named: dtype) ? data : nil
  }

  /// An empty tensor of a type (`torch.FloatTensor()`), whose content a state may set; or a tensor
  /// of the sparse types, from indices, values and size.
  private static func instance(
    of type: String, _ arguments: [PickleValue], in content: inout TorchContent
  ) throws(CairnError) -> PickleValue? {
    guard type.spellingBegins(with: "torch."), type.spellingEnds(with: "Tensor") else { return nil }
    let parts = ByteKey(type).split(at: ".")
    if parts.dropLast().last == "sparse" {
      guard arguments.count == 3 else { return nil }
      return try sparse("torch.sparse_coo", arguments, in: &content)
    }
    guard arguments.isEmpty, parts.count == 2 || parts.count == 3 && parts[1] == "cuda",
      let last = parts.last?.text
    else { return nil }
    let storage = last == "Tensor" ? "FloatStorage" : last.dropLast("Tensor".count) + "Storage"
    guard TorchDType.dtype(ofStorage: String(storage)) != nil else { return nil }
    let empty = try content.storage(
      TorchStorage(
        key: ByteKey([]), type: "torch." + storage, elementCount: 0, held: content.keep([])))
    return try content.tensor(
      TorchTensor(storage: empty, offset: 0, dimensions: [0], strides: [1]))
  }

  /// Sets a tensor's state as PyTorch before 0.4 did: (storage, offset, size, strides), or the
  /// state of a Variable. False for any other state, which holds attributes.
  static func build(
    tensor number: Int, _ state: PickleValue, in content: inout TorchContent
  ) -> Bool {
    guard case .tuple(let node) = state else { return false }
    let items = content.nodes[node]
    switch items.count {
    // Whether gradients are wanted, and hooks.
    case 3:
      if case .bool = items[0] { return true }
    case 4:
      guard case .reference(let storage) = items[0], case .int(let offset) = items[1], offset >= 0,
        let dimensions = content.sizes(items[2]), let strides = content.sizes(items[3]),
        dimensions.count == strides.count
      else { return false }
      content.format.tensors[number] = TorchTensor(
        storage: storage, offset: Int(offset), dimensions: dimensions, strides: strides)
      return true
    case 5:
      guard case .made(let data) = items[0] else { return false }
      content.format.tensors[number] = content.tensors[data]
      return true
    default: break
    }
    return false
  }
}
