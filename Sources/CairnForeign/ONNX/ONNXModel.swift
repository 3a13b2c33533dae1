// The parts of an ONNX model that hold tensors (onnx.proto): ModelProto, GraphProto, NodeProto,
// AttributeProto, FunctionProto, TrainingInfoProto, SparseTensorProto.
//
// Every tensor of a model is listed, by a path of its own (Documentation/formats/onnx.md):
//
//     NAME                          an initialiser, or the output of a `Constant` node
//     NODE/ATTRIBUTE                a tensor among a node's attributes; of several, /0, /1 …
//     NODE/ATTRIBUTE/…              what is in a graph among them; of several graphs, ATTRIBUTE.0 …
//     functions/DOMAIN.NAME/…       what is in a function's body
//     training/0/algorithm/…        what is in the graphs of training
//     …/values, …/indices, …/shape  the parts of a sparse tensor

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Takes the tensors of a model as they are found.
protocol ONNXTensorTaker {
  /// A tensor. Its path is not longer than a name may be. Another tensor may have the same derived
  /// path, since nodes may have the same names; then the tensor gets a number: `PATH#2`.
  mutating func take(
    _ tensor: ONNXTensor, at path: [UInt8], isDerived: Bool
  ) throws(CairnError)
  /// Elements that are not in a `TensorProto`.
  mutating func take(
    _ bytes: HeldElements, _ dtype: DType, _ dimensions: [Int], at path: [UInt8],
    isDerived: Bool
  ) throws(CairnError)
  /// Something that is not read.
  mutating func skip(_ path: [UInt8], _ type: String, _ reason: String) throws(CairnError)
}

/// A walk through a model.
struct ONNXModel<Taker: ONNXTensorTaker> {
  private(set) var taker: Taker
  private(set) var metadata = ONNXMetadata()
  private(set) var nodeCount = 0
  /// How many pieces of documentation, properties and quantisation belong to a tensor or an inner
  /// graph.
  private(set) var notedCount = 0
  private let source: any ByteSource
  private let budget: Budget

  /// The most levels of graphs within graphs.
  private static var maximumDepth: Int { 32 }

  init(_ source: any ByteSource, budget: Budget, taker: Taker) throws(CairnError) {
    self.source = source
    self.budget = budget
    self.taker = taker
    var reader = ProtobufReader(source)
    var graph: Range<Int>?
    var others: [(number: Int, range: Range<Int>)] = []
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (7, .bytes(let range)):
        guard graph == nil else {
          throw CairnError(.invalidHeader, "the model has two graphs", at: field.place)
        }
        graph = range
      case (20, .bytes(let range)), (25, .bytes(let range)):
        try budget.take(bytes: 32)
        others.append((field.number, range))
      default: try metadata.read(field, reader, budget)
      }
    }
    guard let graph else {
      throw CairnError(
        .invalidHeader, "the file holds no model with a graph",
        at: .init(file: source.path, offset: 0), advice: "Is it an ONNX file?")
    }
    try readGraph(graph, path: [], depth: 0)
    var trainings = 0
    for (number, range) in others {
      if number == 25 {
        try readFunction(range)
      } else {
        try readTraining(range, Array("training/\(trainings)/".utf8))
        trainings += 1
      }
    }
    for item in metadata.opaque.items { try self.taker.skip(item.path, item.type, item.reason) }
  }

  // MARK: - Graphs

  /// `GraphProto`: nodes, initialisers.
  private mutating func readGraph(
    _ range: Range<Int>, path: [UInt8], depth: Int
  ) throws(CairnError) {
    guard depth <= Self.maximumDepth else {
      throw CairnError(
        .limitExceeded, "graphs are nested too deep",
        at: .init(file: source.path, offset: UInt64(range.lowerBound)),
        expected: "at most \(Self.maximumDepth) levels")
    }
    guard path.count < TensorName.maximumByteCount else {
      return try taker.skip(
        path, "graph", "names in it would be longer than \(TensorName.maximumByteCount) bytes")
    }
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1: try readNode(range, path: path, depth: depth)
      case 2 where path.isEmpty: try metadata.keep("graph", reader, range, budget)
      case 10 where path.isEmpty: try metadata.keep("graph.doc_string", reader, range, budget)
      case 16 where path.isEmpty:
        try metadata.readProperty(source, range, budget, prefix: "graph.metadata_props.")
      case 10, 14, 16: notedCount += 1
      case 5: try readTensor(range, in: path)
      case 15: try readSparse(range, at: path, isNamed: true)
      default: break
      }
    }
  }

  /// An initialiser, under its own name in the graph at `path`.
  private mutating func readTensor(_ range: Range<Int>, in path: [UInt8]) throws(CairnError) {
    let tensor = try ONNXTensor(source, in: range, budget: budget)
    notedCount += tensor.noteCount
    guard let name = tensor.name else {
      return try taker.skip(path, "tensor", "its name is longer than a name may be")
    }
    try take(tensor, at: path + name, isDerived: !path.isEmpty)
  }

  private mutating func take(
    _ tensor: ONNXTensor, at path: [UInt8], isDerived: Bool
  ) throws(CairnError) {
    if let obstacle = tensor.obstacle {
      return try taker.skip(path, obstacle.type, obstacle.reason)
    }
    guard path.count <= TensorName.maximumByteCount else {
      return try taker.skip(path, "tensor", "its path is longer than a name may be")
    }
    do throws(CairnError) { try taker.take(tensor, at: path, isDerived: isDerived) } catch {
      throw error.located(
        file: tensor.place.file, offset: tensor.place.offset,
        name: path.isEmpty ? nil : String(decoding: path, as: UTF8.self))
    }
  }

  /// `SparseTensorProto`: its parts, as they are.
  private mutating func readSparse(
    _ range: Range<Int>, at path: [UInt8], isNamed: Bool
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var parts: [(end: String, tensor: ONNXTensor)] = []
    var dimensions: [UInt64] = []
    func add(_ value: UInt64) throws(CairnError) {
      try budget.take(bytes: 8)
      dimensions.append(value)
    }
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)), (2, .bytes(let range)):
        guard parts.count < 2 else {
          throw CairnError(
            .invalidHeader, "a sparse tensor has its parts twice", at: field.place)
        }
        parts.append(
          (
            field.number == 1 ? "/values" : "/indices",
            try ONNXTensor(source, in: range, budget: budget)
          ))
      case (3, .varint(let value)): try add(value)
      case (3, .bytes(let range)):
        var packed = ProtobufReader(source, in: range)
        while !packed.isAtEnd { try add(packed.varint()) }
      default: break
      }
    }
    var home = path
    if isNamed {
      // A sparse initialiser has its name in its values.
      guard let name = parts.first(where: { $0.end == "/values" })?.tensor.name else {
        return try taker.skip(path, "sparse tensor", "it has no values, or too long a name")
      }
      home += name
    }
    for (end, tensor) in parts { try take(tensor, at: home + end.utf8, isDerived: true) }
    let shape = home + "/shape".utf8
    guard shape.count <= TensorName.maximumByteCount else { return }
    try taker.take(
      try HeldElements(dimensions.flatMap(\.littleEndianBytes)), .int64, [dimensions.count],
      at: shape,
      isDerived: true)
  }

  // MARK: - Nodes

  /// The parts of a node that matter here.
  private struct Node {
    var name: [UInt8]? = []
    var output: [UInt8]? = []
    var operation: [UInt8] = []
    var attributes: [Range<Int>] = []

    /// The path under which the node's attributes are listed.
    var home: [UInt8] {
      if let name, !name.isEmpty { return name }
      if let output, !output.isEmpty { return output }
      return operation.isEmpty ? Array("node".utf8) : operation
    }

    var isConstant: Bool { operation.elementsEqual("Constant".utf8) }
  }

  /// `NodeProto`: only what its attributes hold is read.
  private mutating func readNode(
    _ range: Range<Int>, path: [UInt8], depth: Int
  ) throws(CairnError) {
    nodeCount += 1
    var reader = ProtobufReader(source, in: range)
    var node = Node()
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 2: if node.output?.isEmpty ?? false { node.output = try reader.name(range) }
      case 3: node.name = try reader.name(range)
      case 4: node.operation = try reader.name(range) ?? []
      case 5: node.attributes.append(range)
      default: break
      }
    }
    for attribute in node.attributes { try readAttribute(attribute, of: node, path, depth) }
  }

  /// `AttributeProto`: only tensors and graphs are read.
  private mutating func readAttribute(
    _ range: Range<Int>, of node: Node, _ path: [UInt8], _ depth: Int
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var key: [UInt8]? = []
    var graphs: [Range<Int>] = []
    var tensors: [Range<Int>] = []
    var sparse: [Range<Int>] = []
    var isPlain = true
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1: key = try reader.name(range)
      case 5, 10:
        isPlain = isPlain && field.number == 5
        tensors.append(range)
      case 22, 23:
        isPlain = isPlain && field.number == 22
        sparse.append(range)
      case 6, 11: graphs.append(range)
      default: break
      }
    }
    let name = key ?? Array("attribute".utf8)
    let home = path + node.home + "/".utf8 + name
    let isConstant = node.isConstant && !(node.output?.isEmpty ?? true)
    let own = isConstant && isPlain ? path + (node.output ?? []) : home
    for (number, tensor) in tensors.enumerated() {
      let end = tensors.count == 1 && isPlain ? [] : Array("/\(number)".utf8)
      try take(
        try ONNXTensor(source, in: tensor, budget: budget), at: own + end,
        isDerived: !(isConstant && path.isEmpty))
    }
    for (number, tensor) in sparse.enumerated() {
      let end = sparse.count == 1 && isPlain ? [] : Array("/\(number)".utf8)
      try readSparse(tensor, at: own + end, isNamed: false)
    }
    if isConstant, tensors.isEmpty, sparse.isEmpty {
      try readConstant(range, key: name, at: own, isDerived: !path.isEmpty)
    }
    for (number, graph) in graphs.enumerated() {
      let end = graphs.count == 1 ? "/" : ".\(number)/"
      try readGraph(graph, path: home + end.utf8, depth: depth + 1)
    }
  }

  /// The numbers or texts of a `Constant` that are not stored as a tensor: `value_floats` and
  /// similar ones.
  private mutating func readConstant(
    _ range: Range<Int>, key: [UInt8], at path: [UInt8], isDerived: Bool
  ) throws(CairnError) {
    guard path.count <= TensorName.maximumByteCount else {
      return try taker.skip(path, "constant", "its path is longer than a name may be")
    }
    guard let value = try ONNXConstant(source, range, key: key, budget: budget) else { return }
    try taker.take(
      value.elements, value.dtype, value.dimensions, at: path, isDerived: isDerived)
  }

  // MARK: - Functions, training

  /// `FunctionProto`: its nodes, and the default values of its attributes.
  private mutating func readFunction(_ range: Range<Int>) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var name: [UInt8]? = []
    var domain: [UInt8]? = []
    var overload: [UInt8]? = []
    var nodes: [Range<Int>] = []
    var attributes: [Range<Int>] = []
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1: name = try reader.name(range)
      case 10: domain = try reader.name(range)
      case 13: overload = try reader.name(range)
      case 7:
        try budget.take(bytes: 16)
        nodes.append(range)
      case 11: attributes.append(range)
      default: break
      }
    }
    var path = Array("functions/".utf8)
    for part in [domain, name, overload] {
      guard let part, !part.isEmpty else { continue }
      if path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: ".")) }
      path += part
    }
    guard path.count < TensorName.maximumByteCount else {
      return try taker.skip(path, "function", "its name is longer than a name may be")
    }
    path.append(UInt8(ascii: "/"))
    let own = Node(name: Array("attributes".utf8))
    for attribute in attributes { try readAttribute(attribute, of: own, path, 0) }
    for node in nodes { try readNode(node, path: path, depth: 0) }
  }

  /// `TrainingInfoProto`: the graphs of initialisation and of a step.
  private mutating func readTraining(
    _ range: Range<Int>, _ path: [UInt8]
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1: try readGraph(range, path: path + "initialization/".utf8, depth: 1)
      case 2: try readGraph(range, path: path + "algorithm/".utf8, depth: 1)
      default: break
      }
    }
  }
}
