// Which optimizers there are, as a user names them.

package import CairnJSON
import CairnSystem

/// How gradients change weights: one of Keras's optimizers, with the settings that are its own.
///
/// Settings are checked when an ``Optimizer`` is made of the rule.
public struct UpdateRule: Hashable, Sendable {
  /// Keras's class: `Adam`.
  package let className: String
  /// The class's own keys of Keras's configuration.
  package let settings: JSONObject

  /// Gradient descent; Keras's `SGD`.
  public static func sgd(momentum: Double = 0, nesterov: Bool = false) -> UpdateRule {
    UpdateRule(
      className: "SGD", settings: ["momentum": .double(momentum), "nesterov": .bool(nesterov)])
  }

  /// Keras's `RMSprop`.
  public static func rmsprop(
    rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false
  ) -> UpdateRule {
    UpdateRule(
      className: "RMSprop",
      settings: [
        "rho": .double(rho), "momentum": .double(momentum), "epsilon": .double(epsilon),
        "centered": .bool(centered),
      ])
  }

  /// Keras's `Adam`.
  public static func adam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
  ) -> UpdateRule {
    UpdateRule(
      className: "Adam", settings: means(beta1, beta2, epsilon, ["amsgrad": .bool(amsgrad)]))
  }

  /// Keras's `AdamW`: Adam whose weights decay, by 0.004 of the learning rate unless
  /// ``OptimizerOptions/weightDecay`` says otherwise.
  public static func adamW(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
  ) -> UpdateRule {
    UpdateRule(
      className: "AdamW", settings: means(beta1, beta2, epsilon, ["amsgrad": .bool(amsgrad)]))
  }

  /// Keras's `Adamax`.
  public static func adamax(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7
  ) -> UpdateRule { UpdateRule(className: "Adamax", settings: means(beta1, beta2, epsilon)) }

  /// Keras's `Nadam`.
  public static func nadam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7
  ) -> UpdateRule { UpdateRule(className: "Nadam", settings: means(beta1, beta2, epsilon)) }

  /// Keras's `Adagrad`.
  public static func adagrad(
    initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7
  ) -> UpdateRule {
    UpdateRule(
      className: "Adagrad",
      settings: [
        "initial_accumulator_value": .double(initialAccumulatorValue), "epsilon": .double(epsilon),
      ])
  }

  /// Keras's `Adadelta`.
  public static func adadelta(rho: Double = 0.95, epsilon: Double = 1e-7) -> UpdateRule {
    UpdateRule(
      className: "Adadelta", settings: ["rho": .double(rho), "epsilon": .double(epsilon)])
  }

  /// Keras's `Lion`.
  public static func lion(beta1: Double = 0.9, beta2: Double = 0.99) -> UpdateRule {
    UpdateRule(className: "Lion", settings: ["beta_1": .double(beta1), "beta_2": .double(beta2)])
  }

  private static func means(
    _ beta1: Double, _ beta2: Double, _ epsilon: Double, _ more: JSONObject = [:]
  ) -> JSONObject {
    var settings: JSONObject = [
      "beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon),
    ]
    for (key, value) in more { settings[key] = value }
    return settings
  }

  /// All rules; nothing else can be named by a configuration.
  static let all: [any ElementRule.Type] = [
    SGDRule.self, RMSpropRule.self, AdamRule.self, AdamWRule.self, AdagradRule.self,
    AdadeltaRule.self, AdamaxRule.self, NadamRule.self, LionRule.self,
  ]

  /// The rule of a class, in Keras's spelling or, as Keras allows, in lower case.
  static func named(_ className: String) -> (any ElementRule.Type)? {
    all.first { $0.className == className || $0.className.lowercased() == className }
  }
}
