// A model of two parts, as other programs keep them: the configuration here, the weights there.

package import CairnCheckpoints
package import CairnJSON
package import CairnModels
package import CairnSystem
import CairnTensors

extension Model {
  /// The model of a configuration, with the weights of any source.
  ///
  /// Tensors are called as the model's paths, or as the ends of them, which is how Keras's own
  /// `variable.path` is: every weight must be there, and every tensor must be one of the model's.
  /// State that is no weight is loaded where the source has it, and drawn from `seed` where not.
  ///
  /// - Parameters:
  ///   - configuration: What Keras 3's `to_json()` writes, or ``Model/configuration``.
  ///   - weights: The tensors.
  ///   - registry: The classes that the configuration may name.
  ///   - budget: The bytes that the tensors may take; the source's own bound without one.
  ///   - limits: What the configuration may ask for; of parameters never more than the source has
  ///     elements.
  /// - Throws: what ``Model/make(configuration:registry:initialization:limits:)`` throws;
  ///   `weightMismatch`, whose cause lists everything that does not fit; what reading throws.
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
