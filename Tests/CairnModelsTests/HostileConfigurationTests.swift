// Every value of a configuration, replaced by values that nobody expects there: an error or a
// model, never a trap.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Hostile configurations")
struct HostileConfigurationTests {
  private static let strangers: [JSONValue] = [
    .null, true, 0, -1, .integer(.max), .integer(.min), .unsigned(.max), 1e300, "", "a/b", [],
    [-1, .integer(.max)], [:], ["class_name": "Dense"],
  ]

  /// Every variant of `value` in which one value, at any depth, is another or missing.
  private func variants(_ value: JSONValue) -> [JSONValue] {
    var variants = Self.strangers
    switch value {
    case .array(let elements):
      for index in elements.indices {
        for variant in self.variants(elements[index]) {
          var copy = elements
          copy[index] = variant
          variants.append(.array(copy))
        }
      }
      if let last = elements.last { variants.append(.array(elements + [last])) }
    case .object(let object):
      for member in object {
        for variant in self.variants(member.value) {
          var copy = object
          copy[member.key] = variant
          variants.append(.object(copy))
        }
        var without = object
        without[member.key] = nil
        variants.append(.object(without))
      }
    default: break
    }
    return variants
  }

  @Test("One wrong value anywhere gives an error or a model, never a trap")
  func oneWrongValue() throws {
    let head = try Dense(2, name: "head")
    let inner = try Sequential(
      [InputLayer(shape: [2]), BatchNormalization(), Dropout(0.5), head], name: "inner")
    let tied = try Dense(2, name: "tied")
    let model = try Sequential(
      [InputLayer(shape: [2]), Flatten(), Activation(.relu), inner, head, tied], name: "m")
    try tied.share("kernel", with: head)
    tied.bias?.trainable = false
    var limits = ModelLimits()
    limits.maximumParameters = 10_000
    var (refused, accepted) = (0, 0)
    for variant in variants(model.configuration) {
      guard
        let model = try? Model.make(
          configuration: variant, initialization: .zeros, limits: limits)
      else {
        refused += 1
        continue
      }
      accepted += 1
      // What was accepted has a configuration that is accepted.
      let again = try Model.make(
        configuration: Model.parse(configuration: model.canonicalConfiguration().text),
        initialization: .zeros, limits: limits)
      #expect(again.configuration == model.configuration)
    }
    #expect(refused > 1_000 && accepted > 100)
  }
}
