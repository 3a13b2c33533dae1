// Keras `layers/preprocessing/index_lookup.py`, `string_lookup.py`, `integer_lookup.py`: texts or
// whole numbers turned into their places in a list, and places turned back into texts or numbers.

import CairnJSON
package import CairnSystem
package import CairnTensors

/// What a lookup layer looks up, as a type.
package protocol LookupKind: Sendable {
  /// The class's name: `StringLookup`.
  static var name: String { get }
  /// The type of what is looked up.
  static var dtype: DType { get }
}

/// Texts.
package enum TextLookupKind: LookupKind {
  /// `StringLookup`
  package static var name: String { "StringLookup" }
  /// Texts.
  package static var dtype: DType { .string }
}

/// Whole numbers.
package enum NumberLookupKind: LookupKind {
  /// `IntegerLookup`
  package static var name: String { "IntegerLookup" }
  /// Whole numbers of 64 bits.
  package static var dtype: DType { .int64 }
}

/// Turns texts into their places in a vocabulary; Keras's `StringLookup`.
package typealias StringLookup = IndexLookup<TextLookupKind>
/// Turns whole numbers into their places in a vocabulary; Keras's `IntegerLookup`.
package typealias IntegerLookup = IndexLookup<NumberLookupKind>

/// A layer whose vocabulary may stand beside the configuration, in an asset of a `.keras` file.
package protocol VocabularyLayer: Layer {
  /// Whether the vocabulary is not there yet.
  var lacksVocabulary: Bool { get }
  /// Takes an asset's lines for the vocabulary.
  ///
  /// - Throws: `invalidConfiguration` for what Keras would refuse.
  func setVocabulary(asset: [UInt8]) throws(CairnError)
}

/// Finds places in a vocabulary, and gives them as places or as vectors; or turns places back into
/// texts or numbers.
///
/// Once the vocabulary is there, it is part of the layer's configuration. In the mode `tf_idf` the
/// weights of the places are state, `idf_weights`, which Keras does not count among the weights.
package final class IndexLookup<Kind: LookupKind>: TypedLayer, VocabularyLayer, SeededLayer {
  static var kind: LayerKind { LayerKind(Kind.name, castsFloats: false, needsShape: false) }

  let core: LayerState
  private let specials: LookupSpecials
  private let mode: PlaceEncoding
  private let hash: BucketHash?
  private let depth: Int?
  private let vocabulary: Lock<Vocabulary?>

  private static var isText: Bool { Kind.dtype == .string }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    mode = try reader.placeEncoding(default: .int)
    let isInverse = try reader.bool("invert", default: false)
    guard !isInverse || mode == .int else { throw reader.invalid("output_mode", expected: "int") }
    let outsideCount = try reader.integer("num_oov_indices", in: 0...1 << 30, default: 1)
    let most = try reader.optionalInteger("max_tokens", in: 2...1 << 30)
    let pads = try reader.bool("pad_to_max_tokens", default: false)
    let specials = LookupSpecials(
      mask: try Self.token("mask_token", &reader),
      outside: try Self.token(
        "oov_token", default: Self.isText ? .string("[UNK]") : .integer(-1), &reader),
      outsideCount: outsideCount, givesPlaces: mode == .int, inverts: isInverse, most: most,
      pads: pads)
    self.specials = specials
    guard !isInverse || specials.outside != nil else {
      throw reader.invalid("oov_token", expected: "a token")
    }
    try reader.refuse("sparse", "tensors are never sparse here")
    hash = try Self.hash(&reader)
    for key in ["vocabulary_dtype", "encoding", "has_input_vocabulary"] {
      if let value = reader.take(key), key != "has_input_vocabulary" { reader.record(key, value) }
    }
    let size = try reader.optionalInteger("vocabulary_size", in: 0...1 << 30)
    let list = try Self.list(&reader)
    let found = try list.map { (list) throws(CairnError) in
      return try located(at: reader.path(of: "vocabulary")) { () throws(CairnError) in
        try Vocabulary(list, specials)
      }
    }
    vocabulary = Lock(found)
    depth = pads ? most : found?.size ?? size
    guard !pads || most != nil else { throw reader.invalid("max_tokens", expected: "a number") }
    guard mode == .int || depth != nil else {
      throw reader.unsupported(
        "vocabulary", "without a vocabulary nobody knows how long the layer's vectors are")
    }
    reader.record("vocabulary_size", (found?.size ?? size).map { .integer(Int64($0)) } ?? .null)
    let given = try reader.numbers("idf_weights")
    if given == nil { reader.record("idf_weights", .null) }
    core = try reader.layerState(className: Self.className)
    guard mode == .tfIDF, let depth else { return }
    guard found == nil || given != nil else {
      throw reader.invalid("idf_weights", expected: "a weight for each token")
    }
    let place = try context.makeVariable(
      Self.weightsName, dimensions: [depth], initializer: .zeros, role: .state, dtype: .float32)
    if let found, let given {
      do throws(CairnError) {
        let weights = try found.weights(given.values, depth: depth)
        try place.variable.assign(Tensor(weights, shape: .vector(weights.count)))
      } catch {
        throw error.located(name: reader.path(of: "idf_weights"))
      }
    }
    state.append([place])
  }

  private static var weightsName: String { "idf_weights" }

  /// A token of the configuration.
  private static func token(_ value: JSONValue) -> ByteKey? {
    isText
      ? value.stringValue.map { ByteKey($0) } : value.intValue.map { ByteKey(String($0)) }
  }

  private static func token(
    _ key: String, default fallback: JSONValue? = nil, _ reader: inout ConfigurationReader
  ) throws(CairnError) -> ByteKey? {
    let isGiven = reader.has(key)
    let value = reader.take(key) ?? (isGiven ? nil : fallback)
    reader.record(key, value ?? .null)
    guard let value else { return nil }
    guard let token = token(value) else {
      throw reader.invalid(key, expected: isText ? "a string" : "a whole number")
    }
    return token
  }

  /// The vocabulary of the configuration.
  private static func list(
    _ reader: inout ConfigurationReader
  ) throws(CairnError) -> [ByteKey]? {
    guard let value = reader.take("vocabulary") else { return nil }
    guard let elements = value.arrayValue else {
      throw reader.unsupported("vocabulary", "a vocabulary in another file is not looked up")
    }
    let list = elements.compactMap { token($0) }
    guard list.count == elements.count else {
      throw reader.invalid(
        "vocabulary", expected: isText ? "a list of strings" : "a list of whole numbers")
    }
    return list
  }

  /// How tokens that are not in the list are put in buckets; nil to use the remainder of a
  /// division.
  private static func hash(_ reader: inout ConfigurationReader) throws(CairnError) -> BucketHash? {
    let method = try reader.string("oov_method", default: "floormod")
    guard method.isSpelt(as: "floormod") || method.isSpelt(as: "farmhash") else {
      throw reader.invalid("oov_method", expected: "floormod or farmhash")
    }
    let hash = try reader.salt()
    return isText || method.isSpelt(as: "farmhash") ? hash : nil
  }

  /// The weights of the places, which are there from the start.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { state.variables }

  /// The settings with the vocabulary, wherever it came from.
  var config: JSONObject {
    var settings = state.settings
    guard let found = vocabulary.withLock({ $0 }) else {
      settings["vocabulary"] = .null
      return settings
    }
    let list = mode == .tfIDF ? found.whole ?? found.listed : found.listed
    settings["vocabulary"] = .array(
      list.map { Self.isText ? .string($0.text) : .integer(Int64($0.text) ?? 0) })
    settings["vocabulary_size"] = .integer(Int64(found.size))
    if mode == .tfIDF, let weights: [Float] = try? state.variable("idf_weights")?.value.scalars() {
      settings["idf_weights"] = .array(
        weights.dropFirst(list.count == found.size ? 0 : specials.start).prefix(list.count)
          .map { .double(Double($0)) })
    }
    return settings
  }

  // MARK: Vocabulary

  package var lacksVocabulary: Bool { vocabulary.withLock { $0 == nil } }

  package func setVocabulary(asset: [UInt8]) throws(CairnError) {
    let lines = try Vocabulary.lines(of: asset)
    guard Self.isText || lines.allSatisfy({ Int64($0.text) != nil }) else {
      throw CairnError(
        .invalidConfiguration, "a vocabulary of whole numbers holds something else",
        at: .init(name: name))
    }
    let made: Vocabulary
    made = try located(at: name) { () throws(CairnError) in
      try Vocabulary(
        Self.isText ? lines : lines.map { ByteKey(String(Int64($0.text) ?? 0)) }, specials)
    }
    guard mode == .int || specials.pads || made.size == depth ?? 0 else {
      throw CairnError(
        .invalidConfiguration, "a vocabulary is not as long as the configuration says",
        at: .init(name: name), expected: "\(depth ?? 0)", found: "\(made.size)")
    }
    vocabulary.withLock { $0 = made }
  }

  private func requireVocabulary() throws(CairnError) -> Vocabulary {
    guard let found = vocabulary.withLock({ $0 }) else {
      throw CairnError(
        .notBuilt, "the layer has no vocabulary", at: .init(name: name),
        advice: "Keras keeps it in the .keras file, as an asset; weights alone do not have it")
    }
    return found
  }

  // MARK: Evaluation

  /// The input's own shape, or with a dimension for the list.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: depth ?? 0)
  }

  /// int64 for places and vectors, float32 where they are weighed; the kind's own on the way back.
  var outputDType: DType {
    specials.inverts ? Kind.dtype : mode == .tfIDF ? .float32 : .int64
  }

  /// The places, or their vectors; or, in the other direction, the tokens at places.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let vocabulary = try requireVocabulary()
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    if specials.inverts { return try tokens(input, vocabulary, shape) }
    guard (input.dtype == .string) == Self.isText else {
      throw CairnError(
        .dtypeMismatch, "the layer's input is of another type than its vocabulary",
        at: .init(name: name), expected: "\(Kind.dtype)", found: "\(input.dtype)")
    }
    let numbers = Self.isText || input.dtype == .int64 ? input : try input.cast(to: .int64)
    let places = try numbers.mapTexts { (token) throws(CairnError) in
      try place(of: token, vocabulary)
    }
    guard mode != .int else { return try Tensor(places.map { Int64($0 ?? 0) }, shape: shape) }
    return try encode(places, input.shape, in: context)
  }

  /// The vectors of places, in the type in which Keras gives them.
  func encode(
    _ places: [Int?], _ shape: Shape, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try mode.encode(
      places, shape, depth: depth ?? 0, as: outputDType,
      weights: mode == .tfIDF ? state.requireVariable(Self.weightsName).value : nil, of: self,
      in: context)
  }

  /// The place of a text; nil for the mask, where that is left out.
  func place(of token: [UInt8]) throws(CairnError) -> Int? {
    try place(of: token, requireVocabulary())
  }

  private func place(of token: [UInt8], _ vocabulary: Vocabulary) throws(CairnError) -> Int? {
    if let mask = specials.mask, token == mask.bytes { return mode == .int ? 0 : nil }
    if let place = vocabulary.place(of: token) { return place }
    let count = specials.outsideCount
    guard count > 0 else {
      throw CairnError(
        .invalidArgument, "something of the input is not in the layer's vocabulary",
        at: .init(name: name), found: "‘\(ByteKey(token).text)’",
        advice: "num_oov_indices is 0: the layer has no place for what it does not know")
    }
    guard count > 1 else { return specials.outsideStart }
    if let hash { return specials.outsideStart + hash.bucket(token, of: count) }
    let rest = Int(Int64(ByteKey(token).text) ?? 0) % count
    return specials.outsideStart + (rest < 0 ? rest + count : rest)
  }

  /// The tokens at the places of the input.
  private func tokens(
    _ input: Tensor, _ vocabulary: Vocabulary, _ shape: Shape
  ) throws(CairnError) -> Tensor {
    guard input.dtype != .string else {
      throw CairnError(
        .dtypeMismatch, "the layer's input is numbers of places", at: .init(name: name),
        expected: "int64", found: "\(input.dtype)")
    }
    let numbers: [Int64] = try input.cast(to: .int64).scalars()
    let tokens = numbers.map { number -> ByteKey in
      if let mask = specials.mask, number == 0 { return mask }
      return Int(exactly: number).flatMap { vocabulary.token(at: $0) }
        ?? specials.outside ?? ByteKey("")
    }
    guard Self.isText else {
      return try Tensor(tokens.map { Int64($0.text) ?? 0 }, shape: shape)
    }
    return try Tensor(byteStrings: tokens.map(\.bytes), shape: shape)
  }
}

extension ConfigurationReader {
  /// How places are encoded; the older names are read too.
  mutating func placeEncoding(default fallback: PlaceEncoding) throws(CairnError) -> PlaceEncoding {
    let key = "output_mode"
    switch peekString(key) {
    case "binary": record(key, "multi_hot")
    case "tf-idf": record(key, "tf_idf")
    default: return try choice(key, default: fallback)
    }
    return take(key)?.stringValue == "binary" ? .multiHot : .tfIDF
  }

  /// The hash that a `salt` asks for: one number or two.
  mutating func salt() throws(CairnError) -> BucketHash {
    let value = take("salt")
    record("salt", value ?? .null)
    guard let value else { return .fast }
    let numbers = (value.arrayValue ?? [value, value]).compactMap { number -> UInt64? in
      switch number {
      case .integer(let value): UInt64(bitPattern: value)
      case .unsigned(let value): value
      default: nil
      }
    }
    guard numbers.count == 2, value.arrayValue?.count ?? 2 == 2 else {
      throw invalid("salt", expected: "a whole number, or two")
    }
    return .strong(numbers[0], numbers[1])
  }
}
