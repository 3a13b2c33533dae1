// Keras `layers/preprocessing/text_vectorization.py`: texts turned into words, and words into their
// places in a vocabulary.

import CairnJSON
package import CairnSystem
import CairnTensors

/// Turns texts into the places of their words; Keras's `TextVectorization`.
///
/// The vocabulary is that of the ``StringLookup`` within it.
package final class TextVectorization: TypedLayer, VocabularyLayer, SeededLayer {
  static let kind = LayerKind("TextVectorization", castsFloats: false)

  let core: LayerState
  private let lookup: StringLookup
  private let mode: PlaceEncoding
  private let lowers: Bool
  private let strips: Bool
  private let split: Split?
  private let widths: [Int]?
  private let length: Int?

  /// What a text is split into.
  private enum Split: String, CaseIterable {
    /// What lies between spaces.
    case whitespace
    /// Its scalar values.
    case character
  }

  /// What is done to a text first.
  private enum Standardization: String, CaseIterable {
    case lowerAndStrip = "lower_and_strip_punctuation"
    case lower
    case strip = "strip_punctuation"
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let standardization: Standardization? = try Self.choice(
      "standardize", default: .lowerAndStrip, &reader)
    lowers = standardization == .lowerAndStrip || standardization == .lower
    strips = standardization == .lowerAndStrip || standardization == .strip
    split = try Self.choice("split", default: .whitespace, &reader)
    mode = try reader.placeEncoding(default: .int)
    widths = try Self.widths(&reader)
    length = try reader.optionalInteger("output_sequence_length", in: 0...1 << 40)
    guard mode == .int || length == nil else {
      throw reader.invalid("output_sequence_length", expected: "null, as output_mode is not int")
    }
    try reader.refuse("ragged", "tensors are never ragged here")
    guard mode != .oneHot || split == nil && widths == nil else {
      throw reader.unsupported(
        "output_mode", "Keras gives a ragged tensor here, and tensors are never ragged")
    }
    // The layer within has settings of the same names.
    var inner: JSONObject = [
      "name": "string_lookup", "mask_token": "", "output_mode": .string(mode.rawValue),
    ]
    for key in [
      "max_tokens", "pad_to_max_tokens", "vocabulary", "idf_weights", "sparse", "encoding",
      "vocabulary_size", "has_input_vocabulary",
    ] {
      guard let value = reader.take(key) else { continue }
      inner[key] = value
    }
    // Keras writes the size in all modes; the layer within writes it only where the list is not
    // given.
    var innerReader = try ConfigurationReader(.object(inner), path: reader.path)
    lookup = try StringLookup(reading: &innerReader, in: &context)
    try innerReader.finish()
    core = try reader.layerState(className: Self.className)
    guard let weights = lookup.state.variables.first else { return }
    // Keras saves them with both layers, and asks for both.
    let copy = try context.makeVariable(
      weights.name, dimensions: weights.variable.shape.dimensions, initializer: .zeros,
      role: .state, dtype: .float32)
    try copy.variable.assign(weights.variable.value)
    state.append([copy])
  }

  /// A choice that `null` leaves out; a function is refused.
  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: Choice, _ reader: inout ConfigurationReader
  ) throws(CairnError) -> Choice? where Choice.RawValue == String {
    if reader.has(key), reader.peek(key) == nil {
      _ = reader.take(key)
      reader.record(key, .null)
      return nil
    }
    if reader.peek(key)?.objectValue != nil {
      throw reader.unsupported(key, "a function of one's own is not run")
    }
    return try reader.choice(key, default: fallback)
  }

  /// The numbers of words that are joined: all up to a number, or those in a list.
  private static func widths(_ reader: inout ConfigurationReader) throws(CairnError) -> [Int]? {
    let value = reader.take("ngrams")
    reader.record("ngrams", value ?? .null)
    guard let value else { return nil }
    if let most = value.intValue, (1...1 << 16).contains(most) { return Array(1...most) }
    let list = (value.arrayValue ?? []).compactMap(\.intValue)
    guard let elements = value.arrayValue, list.count == elements.count, !list.isEmpty,
      list.count <= 1 << 16, list.allSatisfy({ (1...1 << 30).contains($0) })
    else {
      throw reader.invalid("ngrams", expected: "a number from 1 to 65,536, or a list of them")
    }
    return list
  }

  /// The weights of the places, which are there from the start.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { state.variables }

  /// The layer with the vocabulary.
  var parts: [(name: String, layer: any Layer)] { [("_lookup_layer", lookup)] }
  /// The settings with the vocabulary, wherever it came from.
  var config: JSONObject {
    var settings = state.settings
    let inner = lookup.settings
    for key in [
      "max_tokens", "pad_to_max_tokens", "vocabulary", "idf_weights", "sparse", "vocabulary_size",
    ] { settings[key] = inner[key] ?? .null }
    settings["encoding"] = inner["encoding"] ?? "utf-8"
    return settings
  }

  package var lacksVocabulary: Bool { lookup.lacksVocabulary }
  package func setVocabulary(asset: [UInt8]) throws(CairnError) {
    try lookup.setVocabulary(asset: asset)
  }

  // MARK: Evaluation

  /// A row of places for each text, or a vector.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let rows = try rowShape(input)
    if mode == .int { return try BatchShape(rows + [length]) }
    if split == nil { return try lookup.outputShape(for: input) }
    guard rows.count == 1 else {
      throw shapeMismatch(expected: "(n) or (n, 1)", found: input)
    }
    return try lookup.outputShape(for: BatchShape(rows + [nil]))
  }

  /// The dimensions before that of the words.
  private func rowShape(_ input: BatchShape) throws(CairnError) -> [Int?] {
    guard input.rank > 0 else {
      throw shapeMismatch(expected: "one dimension and more", found: input)
    }
    guard split != nil else { return Array(input.dimensions.dropLast()) }
    guard input.rank > 1 else { return input.dimensions }
    guard input.dimensions.last == .some(1) else {
      throw shapeMismatch(
        expected: "1 for the last dimension of texts that are split", found: input)
    }
    return Array(input.dimensions.dropLast())
  }

  /// int64 for places and vectors, float32 where they are weighed.
  var outputDType: DType { mode == .tfIDF ? .float32 : .int64 }

  /// The places of the texts' words, or their vectors.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    guard input.dtype == .string else {
      throw CairnError(
        .dtypeMismatch, "the layer's input is no texts", at: .init(name: name), expected: "string",
        found: "\(input.dtype)")
    }
    let outer = try rowShape(BatchShape(input.shape)).map { $0 ?? 0 }
    var places: [Int32] = []
    var ends: [Int] = []
    try context.take(elements: input.byteCount)
    if split != nil {
      _ = try input.mapTexts { (text) throws(CairnError) in
        try add(words(of: standardized(text)), to: &places, in: context)
        ends.append(places.count)
      }
    } else {
      let length = input.shape.dimensions.last ?? 0
      let texts = try input.mapTexts { (text) throws(CairnError) in standardized(text)[...] }
      for row in 0..<outer.reduce(1, *) {
        try add(
          Array(texts[row * length..<(row + 1) * length]), to: &places, in: context)
        ends.append(places.count)
      }
    }
    return try mode == .int
      ? rows(of: places, ends, outer, in: context)
      : vectors(of: places, ends, input.shape, outer, in: context)
  }

  /// The places row by row, cut or filled up with zeros to one length.
  private func rows(
    of places: [Int32], _ ends: [Int], _ outer: [Int], in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    var most = 0
    for (row, end) in ends.enumerated() { most = max(most, end - (row > 0 ? ends[row - 1] : 0)) }
    let length = length ?? most
    let shape = try context.shape(outer + [length])
    var values = [Int64](repeating: 0, count: shape.elementCount)
    var start = 0
    for (row, end) in ends.enumerated() where shape.elementCount > 0 {
      for index in 0..<min(end - start, length) {
        values[row * length + index] = Int64(places[start + index])
      }
      start = end
    }
    return try Tensor(values, shape: shape)
  }

  /// For each row a vector of all its places; a place of -1 is left out.
  private func vectors(
    of places: [Int32], _ ends: [Int], _ input: Shape, _ outer: [Int],
    in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    if split == nil, widths == nil {
      return try lookup.encode(places.map { $0 < 0 ? nil : Int($0) }, input, in: context)
    }
    guard outer.count <= 1 else {
      throw shapeMismatch(expected: "(n), (n, 1) or (n, k)", found: BatchShape(input))
    }
    // Row by row, since rows can have different lengths.
    var parts: [Tensor] = []
    _ = try context.shape(outputShape(for: BatchShape(input)))
    var start = 0
    for end in ends {
      let row = places[start..<end].map { $0 < 0 ? nil : Int($0) }
      parts.append(try lookup.encode(row, .vector(row.count), in: context))
      start = end
    }
    let shape = try context.shape(outputShape(for: BatchShape(input)))
    return try Tensor(joining: parts, shape: shape, dtype: outputDType)
  }

  /// Adds the places of a text's words, or of groups of words that follow one another.
  private func add(
    _ words: [ArraySlice<UInt8>], to places: inout [Int32], in context: EvaluationContext
  ) throws(CairnError) {
    func add(_ token: [UInt8]) throws(CairnError) {
      places.append(Int32(try lookup.place(of: token) ?? -1))
    }
    func check(_ count: Int) throws(CairnError) {
      guard count <= min(context.maximumElementCount, context.maximumHeldElementCount) else {
        throw CairnError(
          .overBudget, "a text has too many words", at: .init(name: name),
          expected: "at most \(context.maximumElementCount)",
          advice: "Raise EvaluationContext.maximumElementCount if that is meant")
      }
    }
    guard let widths else {
      try check(places.count + words.count)
      try context.take(elements: 8 * words.count)
      for word in words { try add(Array(word)) }
      return
    }
    let byteCount = words.reduce(0) { $0 + $1.count + 1 }
    for width in widths where width <= words.count {
      // Every byte is part of as many groups as there are words in a group.
      try context.take(elements: byteCount.multipliedSaturated(by: width))
      try check(places.count + words.count - width + 1)
      for first in 0...words.count - width {
        var joined: [UInt8] = []
        for index in first..<first + width {
          if index > first { joined.append(UInt8(ascii: " ")) }
          joined += words[index]
        }
        try add(joined)
      }
    }
  }

  /// The text with ASCII letters in lower case and without ASCII punctuation, byte by byte, as
  /// TensorFlow does it.
  private func standardized(_ text: [UInt8]) -> [UInt8] {
    guard lowers || strips else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for byte in text {
      switch byte {
      case 0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e: if !strips { result.append(byte) }
      case 0x41...0x5a: result.append(lowers ? byte | 0x20 : byte)
      default: result.append(byte)
      }
    }
    return result
  }

  /// The words, or the scalar values, of a text.
  private func words(of text: [UInt8]) -> [ArraySlice<UInt8>] {
    guard split == .character else {
      return text.split { (0x09...0x0d).contains($0) || $0 == 0x20 }
    }
    // Invalid UTF-8 is replaced.
    return String(decoding: text, as: UTF8.self).unicodeScalars.map { scalar in
      Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)[...]
    }
  }
}

extension Tensor {
  /// The elements of tensors one behind another.
  fileprivate init(joining parts: [Tensor], shape: Shape, dtype: DType) throws(CairnError) {
    let count = parts.reduce(0) { $0 + $1.byteCount }
    try self.init(dtype: dtype, shape: shape, byteCount: count) { target in
      var offset = 0
      for part in parts {
        part.withBytes { bytes in
          for index in 0..<bytes.count { target[offset + index] = bytes[index] }
        }
        offset += part.byteCount
      }
    }
  }
}
