// Vocabularies, hashes and texts that no ordinary file has.

import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnModels

@Suite("Vocabularies")
struct VocabularyTests {
  @discardableResult
  private func layer(_ className: String, _ settings: JSONObject) throws -> any Layer {
    try LayerRegistry.standard.makeLayer(
      configuration: ["class_name": .string(className), "config": .object(settings)])
  }

  private var bounded: EvaluationContext {
    .bounded(fileByteCount: 1_000, inputs: [])
  }

  @discardableResult
  private func call(_ layer: any Layer, _ input: Tensor) throws -> Tensor {
    try #require(
      layer.call(CallArguments(inputs: [MaskedTensor(input)]), in: bounded).first
    ).tensor
  }

  @Test(
    "What Keras refuses of a vocabulary is refused",
    arguments: [
      [], ["a", "a"], ["a", ""], ["a\u{0}", "a"],
    ] as [[String]])
  func refused(_ list: [String]) {
    let settings: JSONObject = [
      "vocabulary": .array(list.map { .string($0) }), "mask_token": "",
    ]
    #expect(code { try layer("StringLookup", settings) } == .invalidConfiguration)
  }

  @Test("Texts of different normal forms are different tokens")
  func normalForms() throws {
    let lookup = try layer("StringLookup", ["vocabulary": ["\u{e9}", "e\u{301}"]])
    let input = try Tensor(strings: ["e\u{301}", "\u{e9}", "e"], shape: [1, 3])
    #expect(try call(lookup, input) == Tensor([2, 1, 0] as [Int64], shape: [1, 3]))
  }

  @Test("An asset is split as Python does, and its empty end left out")
  func lines() throws {
    let text = "a\r\n\nb\u{2028}c\rd\u{85}\n\n"
    #expect(
      try Vocabulary.lines(of: Array(text.utf8)) == ["a", "", "b", "c", "d"])
    #expect(code { _ = try Vocabulary.lines(of: [0x61, 0xff]) } == .invalidConfiguration)
  }

  @Test("A layer without its vocabulary says so")
  func missing() throws {
    let lookup = try layer("StringLookup", ["vocabulary": .null])
    #expect(code { try call(lookup, Tensor(strings: ["a"], shape: [1, 1])) } == .notBuilt)
  }

  @Test("A few bytes of configuration cannot ask for much")
  func amplification() throws {
    let text = try Tensor(strings: ["a b c d"], shape: [1, 1])
    let long = try Tensor(strings: [String(repeating: "a", count: 20_000)], shape: [1, 1])
    let huge: JSONValue = .integer(1 << 30)
    #expect(
      code {
        try call(
          layer(
            "TextVectorization",
            ["vocabulary": ["a"], "output_sequence_length": .integer(1 << 40)]), text)
      } == .overBudget)
    for className in ["StringLookup", "TextVectorization"] {
      #expect(
        code {
          try call(
            layer(
              className,
              [
                "vocabulary": ["a"], "max_tokens": huge, "pad_to_max_tokens": true,
                "output_mode": "multi_hot",
              ]), text)
        } == .overBudget)
      #expect(
        code {
          try layer(
            className,
            [
              "vocabulary": ["a"], "max_tokens": huge, "pad_to_max_tokens": true,
              "output_mode": "tf_idf", "idf_weights": [1.0],
            ])
        } == .overBudget)
    }
    // 20,000 letters in groups of up to 20,000.
    #expect(
      code {
        try call(
          layer(
            "TextVectorization",
            ["vocabulary": ["a"], "split": "character", "ngrams": .integer(1 << 16)]), long)
      } == .overBudget)
    #expect(
      code {
        try call(
          layer("Hashing", ["num_bins": .integer(1 << 40), "output_mode": "multi_hot"]), text)
      } == .overBudget)
    // Places alone cost nothing.
    _ = try call(layer("Hashing", ["num_bins": .integer(1 << 40)]), text)
    _ = try call(
      layer("StringLookup", ["vocabulary": ["a"], "num_oov_indices": huge]), text)
  }

  @Test("Nothing comes of nothing")
  func empty() throws {
    let none = try Tensor(strings: [], shape: [0, 1])
    for mode in ["int", "multi_hot", "count"] {
      let vectorization = try layer(
        "TextVectorization", ["vocabulary": ["a"], "output_mode": .string(mode)])
      #expect(try call(vectorization, none).shape == (mode == "int" ? [0, 0] : [0, 2]))
    }
    let blank = try Tensor(strings: ["", "!"], shape: [2, 1])
    let vectorization = try layer("TextVectorization", ["vocabulary": ["a"]])
    #expect(try call(vectorization, blank).shape == [2, 0])
  }
}
