// The parts of an ONNX model that hold tensors (onnx.proto): ModelProto, GraphProto, NodeProto.

import CairnFormat
import CairnSystem
import CairnTensors

/// What a model's messages say, gathered.
struct ONNXModel {
  /// Initialisers and constants with their paths, in the order of the file.
  private(set) var tensors: [(path: String, tensor: ONNXTensor)] = []
  private(set) var metadata: [(key: Metadata.Key, value: MetadataValue)] = []
  private(set) var nodeCount = 0
  private let source: any ByteSource
  private let limits: Limits

  /// Graphs within graphs, at most.
  private static let maximumDepth = 32
  /// The fields of `ModelProto`.
  private static let fields: Set = [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]

  /// Whether a source is a `ModelProto` with a graph: its fields are known ones to the end.
  static func recognises(_ source: any ByteSource) -> Bool {
    var reader = ProtobufReader(source)
    var hasGraph = false
    var hasVersion = false
    while true {
      guard let field = try? reader.next() else { return hasGraph && hasVersion && reader.isAtEnd }
      guard fields.contains(field.number), field.number != 7 || field.range != nil else {
        return false
      }
      hasGraph = hasGraph || field.number == 7
      hasVersion = hasVersion || field.number == 1 && (1...1_000).contains(field.varint ?? 0)
    }
  }

  init(_ source: any ByteSource, limits: Limits) throws(CairnError) {
    self.source = source
    self.limits = limits
    var reader = ProtobufReader(source)
    var graph: Range<Int>?
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .varint(let value)): try keep("ir_version", .int(Int64(bitPattern: value)))
      case (2, .bytes(let range)): try keep("producer_name", .string(reader.text(range)))
      case (3, .bytes(let range)): try keep("producer_version", .string(reader.text(range)))
      case (4, .bytes(let range)): try keep("domain", .string(reader.text(range)))
      case (5, .varint(let value)): try keep("model_version", .int(Int64(bitPattern: value)))
      case (6, .bytes(let range)): try keep("doc_string", .string(reader.text(range)))
      case (7, .bytes(let range)):
        guard graph == nil else {
          throw CairnError(.invalidHeader, "the model has two graphs", at: field.place)
        }
        graph = range
      case (8, .bytes(let range)): try readOpset(range)
      case (14, .bytes(let range)): try readProperty(range)
      default: break
      }
    }
    guard let graph else {
      throw CairnError(
        .invalidHeader, "the file holds no model with a graph",
        at: .init(file: source.path, offset: 0), advice: "Is it an ONNX file?")
    }
    try readGraph(graph, path: "", depth: 0)
  }

  private mutating func keep(_ key: String, _ value: MetadataValue) throws(CairnError) {
    metadata.append((try TensorName(key), value))
  }

  /// `OperatorSetIdProto`: domain, version.
  private mutating func readOpset(_ range: Range<Int>) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var domain = ""
    var version: UInt64 = 0
    while let field = try reader.next() {
      if field.number == 1, let range = field.range { domain = try reader.text(range) }
      if field.number == 2 { version = field.varint ?? 0 }
    }
    try keep("opset." + (domain.isEmpty ? "ai.onnx" : domain), .int(Int64(bitPattern: version)))
  }

  /// `StringStringEntryProto`: key, value.
  private mutating func readProperty(_ range: Range<Int>) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var key = ""
    var value = ""
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      if field.number == 1 { key = try reader.text(range) }
      if field.number == 2 { value = try reader.text(range) }
    }
    try keep("metadata_props." + key, .string(value))
  }

  /// `GraphProto`: nodes, initialisers.
  private mutating func readGraph(
    _ range: Range<Int>, path: String, depth: Int
  ) throws(CairnError) {
    guard depth <= Self.maximumDepth else {
      throw CairnError(
        .limitExceeded, "graphs are nested too deep",
        at: .init(file: source.path, offset: UInt64(range.lowerBound)),
        expected: "at most \(Self.maximumDepth) levels")
    }
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1:
        nodeCount += 1
        try readNode(range, path: path, depth: depth)
      case 2 where depth == 0: try keep("graph", .string(reader.text(range)))
      case 5:
        let tensor = try ONNXTensor(source, in: range)
        try add(tensor, path: path + tensor.name)
      case 15:
        throw CairnError(
          .unsupported, "the model holds sparse initialisers", at: field.place,
          advice: "Make them dense first")
      default: break
      }
    }
  }

  private mutating func add(_ tensor: ONNXTensor, path: String) throws(CairnError) {
    guard tensors.count < limits.tensorCount else {
      throw CairnError(
        .limitExceeded, "the model has more tensors than is allowed", at: tensor.place,
        expected: "at most \(limits.tensorCount)")
    }
    tensors.append((path, tensor))
  }

  /// What a node says, as far as it matters here.
  private struct Node {
    var name = ""
    var output = ""
    var operation = ""
    var attributes: [Range<Int>] = []
  }

  /// `NodeProto`: of it only the graphs among its attributes, and the tensor of a `Constant`.
  private mutating func readNode(
    _ range: Range<Int>, path: String, depth: Int
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var node = Node()
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 2: if node.output.isEmpty { node.output = try reader.text(range) }
      case 3: node.name = try reader.text(range)
      case 4: node.operation = try reader.text(range)
      case 5: node.attributes.append(range)
      default: break
      }
    }
    for attribute in node.attributes { try readAttribute(attribute, of: node, path, depth) }
  }

  /// `AttributeProto`: name, tensor, graph, graphs.
  private mutating func readAttribute(
    _ range: Range<Int>, of node: Node, _ path: String, _ depth: Int
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var key = ""
    var graphs: [Range<Int>] = []
    var tensor: Range<Int>?
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 1: key = try reader.text(range)
      case 5: tensor = range
      case 6, 11: graphs.append(range)
      default: break
      }
    }
    if let tensor, node.operation == "Constant", key == "value" {
      try add(try ONNXTensor(source, in: tensor), path: path + node.output)
    }
    let home = path + (node.name.isEmpty ? node.output : node.name) + "/"
    for (number, graph) in graphs.enumerated() {
      let place = graphs.count == 1 ? key : "\(key).\(number)"
      try readGraph(graph, path: home + place + "/", depth: depth + 1)
    }
  }
}
