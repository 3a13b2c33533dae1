// A model from two parts, as other programs keep it: a configuration and separate weights.

package import CairnCheckpoints
package import CairnJSON
package import CairnModels
package import CairnSystem
import CairnTensors

extension Model {
  /// The model of a configuration, with the weights of any source.
  ///
  /// Tensors must have the model's paths as names, or the ends of those paths, as in Keras's own
  /// `variable.path`. Every weight must be there, and every tensor must belong to the model. State
  /// that is not weights is loaded if the source has it; otherwise it is made from `seed`.
  ///
  /// - Parameters:
  ///   - configuration: The result of Keras 3's `to_json()`, or ``Model/configuration``.
  ///   - weights: The tensors.
  ///   - registry: The classes that the configuration may name.
  ///   - budget: The bytes that the tensors may take; by default the source's own bound.
  ///   - limits: What the configuration may ask for. It never gets more parameters than the source
  ///     has elements.
  /// - Throws: what ``Model/make(configuration:registry:initialization:limits:)`` throws;
  ///   `weightMismatch`, whose cause lists everything that does not fit; the errors of reading.
  package static func assembled(
    from configuration: JSONValue, weights: any TensorSource,
    registry: LayerRegistry = .standard, seed: UInt64 = 0, budget: Int? = nil,
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    let limits = try limits.filled(by: weights, budget: budget ?? weights.defaultBudget)
    let model = try Model.make(
      configuration: configuration, registry: registry, initialization: .seeded(seed),
      limits: limits)
    try model.restoreOptimizers(
      of: configuration, maximumParameters: limits.maximumParameters)
    var options = LoadOptions()
    options.matching = .endings
    options.allowMissing = true
    let report = try model.loadWeights(from: weights, scope: .fullState, options: options)
    var absent = Set(report.missing)
    for place in model.places(.fullState) where place.role == .state {
      absent.remove(try place.name())
    }
    guard absent.isEmpty else {
      let missing = report.missing.filter { absent.contains($0) }
      throw WeightMismatchReport(mismatches: missing.map { .missing($0) }).error(for: model.name)
    }
    return model
  }
}
