// What the commands do to the tensors in memory: save, load, code, copy.

import Cairn

/// The state between commands: the data set, and what was made of it.
struct Bench {
  private(set) var tensors = NamedTensors()
  private var encoded: MemoryBytes?
  private var touched: FreshPages?
  private var model: Sequential?
  private var prediction = Prediction()

  mutating func run(_ command: Command) throws(CairnError) -> JSONObject {
    let op = try command.string("op")
    switch op {
    case "data": return try data(command)
    case "save": return try save(tensors, command)
    case "load": return try load(command)
    case "encode": return try encode(command)
    case "decode": return try decode(command)
    case "deepcopy": return try deepCopy()
    case "memcpy": return try plainCopy(command)
    case "clone": return try clone()
    case "predict": return try prediction.run(command)
    case "first": return try first(command)
    case "many": return try save(ManyTensors(count: command.int("count")), command)
    case "lookup": return try lookUp(command)
    case "large":
      return try save(
        RepeatedTensor(largestOf: tensors, byteCount: command.int("bytes")), command)
    case "verify": return try verify(command)
    default: throw CairnError(.invalidArgument, "there is no such command", found: op)
    }
  }

  /// Reads a data set; all that follows works on it.
  private mutating func data(_ command: Command) throws(CairnError) -> JSONObject {
    let file = try CheckpointFile.open(command.string("path"), format: .safetensors)
    // Nothing of the last one stays.
    self = Bench()
    tensors = try NamedTensors(reading: file.source)
    return ["count": .integer(Int64(tensors.count)), "bytes": .integer(Int64(try byteCount()))]
  }

  private func byteCount() throws(CairnError) -> Int {
    try tensors.entries().reduce(0) { $0 + ($1.aliasOf == nil ? $1.byteCount : 0) }
  }

  // MARK: - Files

  private func save(
    _ source: some TensorSource, _ command: Command
  ) throws(CairnError) -> JSONObject {
    let path = try command.string("path")
    let options = try command.writeOptions()
    let (summary, measurement) = try Measurement.of { () throws(CairnError) in
      try Container.write(source, to: path, options: options)
    }
    return measurement.answer([
      "bytes": .integer(Int64(summary.fileByteCount)),
      "logical": .integer(Int64(summary.logicalByteCount)),
      "count": .integer(Int64(summary.tensorCount)),
    ])
  }

  private func load(_ command: Command) throws(CairnError) -> JSONObject {
    let path = try command.string("path")
    let options = try command.readOptions()
    let (loaded, measurement) = try Measurement.of { () throws(CairnError) in
      let container = try Container(path: path, options: options)
      return try NamedTensors(reading: container, budget: .max)
    }
    let count: JSONObject = ["count": .integer(Int64(loaded.count))]
    return try measurement.answer(checked(command, loaded, count))
  }

  /// Adds whether `copy` is equal to the data set in every bit, if the command asks for it.
  private func checked(
    _ command: Command, _ copy: NamedTensors, _ answer: JSONObject = [:]
  ) throws(CairnError) -> JSONObject {
    var answer = answer
    if command.flag("check") { answer["same"] = .bool(try compare(tensors, copy).isSame) }
    return answer
  }

  // MARK: - Memory

  private mutating func encode(_ command: Command) throws(CairnError) -> JSONObject {
    let options = try command.writeOptions()
    encoded = nil
    let (bytes, measurement) = try Measurement.of { () throws(CairnError) in
      try Container.encode(tensors, options: options)
    }
    encoded = bytes
    return measurement.answer(["bytes": .integer(Int64(bytes.count))])
  }

  private func decode(_ command: Command) throws(CairnError) -> JSONObject {
    guard let encoded else {
      throw CairnError(.invalidArgument, "nothing has been encoded that could be decoded")
    }
    let options = try command.readOptions()
    let (decoded, measurement) = try Measurement.of { () throws(CairnError) in
      try NamedTensors(reading: Container(encoded, options: options), budget: .max)
    }
    return try measurement.answer(checked(command, decoded))
  }

  /// The deep copy, then the proof that it is one.
  private func deepCopy() throws(CairnError) -> JSONObject {
    let (copy, measurement) = try Measurement.of { () throws(CairnError) in
      try tensors.deepCopy()
    }
    let isDisjoint = try proveIndependence(of: tensors, from: copy).isDisjoint
    return measurement.answer([
      "same": .bool(try compare(tensors, copy).isSame && isDisjoint)
    ])
  }

  private mutating func plainCopy(_ command: Command) throws(CairnError) -> JSONObject {
    let pages = try command.string("pages")
    let count = try byteCount()
    var sources: [Tensor] = []
    for index in 0..<tensors.count { sources.append(try tensors.tensor(at: index)) }
    if pages == "warm" {
      if touched == nil {
        let block = try FreshPages(byteCount: count, huge: true)
        block.fill(with: sources)
        touched = block
      }
      return try Measurement.of { () throws(CairnError) in touched?.fill(with: sources) }
        .measurement.answer()
    }
    let huge = pages == "huge"
    return try Measurement.of { () throws(CairnError) in
      let block = try FreshPages(byteCount: count, huge: huge)
      block.fill(with: sources)
      return block
    }.measurement.answer()
  }

  /// A model of the data set's matrices, cloned, and given the same weights: shared until written.
  private mutating func clone() throws(CairnError) -> JSONObject {
    let original: Sequential
    if let model { original = model } else { original = try LayerChain.model(of: tensors) }
    model = original
    let weights = original.getWeights()
    let (copy, cloning) = try Measurement.timed { () throws(CairnError) in
      try original.cloned(seed: 1)
    }
    let (_, setting) = try Measurement.timed { () throws(CairnError) in
      try copy.setWeights(weights)
    }
    let count = weights.reduce(0) { $0 + $1.byteCount }
    return [
      "seconds": .double(cloning + setting), "set": .double(setting),
      "bytes": .integer(Int64(count)), "same": .bool(copy.getWeights() == weights),
    ]
  }
}
