// What training accumulates besides the weights: state that a deep copy keeps. Keras
// `metrics/reduction_metrics.py`.

public import CairnSystem
public import CairnTensors

/// A sum or a mean of all values since the last reset.
///
/// Its variables are Keras's, float32 scalars, in the state of the model that
/// ``Model/addMetric(_:name:)`` adds it to: `model/metrics/name/total`, of a mean also `…/count`.
public struct Metric: Sendable {
  /// What becomes of the values.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Keras's `Sum`.
    case sum = "Sum"
    /// Keras's `Mean`.
    case mean = "Mean"
  }

  /// The name.
  public let name: String
  /// What becomes of the values.
  public let kind: Kind
  /// The sum of the values.
  package let total: Variable
  /// The number of values; nil for a sum.
  package let count: Variable?

  fileprivate init(_ kind: Kind, name: String) throws(CairnError) {
    func zero(_ name: String) throws(CairnError) -> Variable {
      Variable(try Tensor(scalar: Float(0)), name: name, trainable: false)
    }
    self.name = name
    self.kind = kind
    total = try zero("total")
    count = kind == .mean ? try zero("count") : nil
  }

  fileprivate var variables: [LayerVariable] {
    let places = [("total", total)] + (count.map { [("count", $0)] } ?? [])
    return places.map { LayerVariable($1, name: "metrics/\(name)/\($0)", role: .state) }
  }

  /// Adds the elements of a tensor, summed in float32 from first to last.
  ///
  /// - Throws: `unsupported` for elements that are not numbers; `outOfMemory`.
  public func update(_ values: Tensor) throws(CairnError) {
    let elements: [Float] = try values.cast(to: .float32).scalars()
    try total.assignAdd(Tensor(scalar: elements.reduce(0, +)))
    try count?.assignAdd(Tensor(scalar: Float(elements.count)))
  }

  /// The sum, or the mean; 0 if there was nothing yet.
  ///
  /// - Throws: `dtypeMismatch` if the variables were given other types.
  public func result() throws(CairnError) -> Float {
    let sum: [Float] = try total.value.scalars()
    guard let count else { return sum.first ?? 0 }
    let number: [Float] = try count.value.scalars()
    guard let divisor = number.first, divisor != 0 else { return 0 }
    return (sum.first ?? 0) / divisor
  }

  /// Starts again: sets the sum and the number of values to zero.
  ///
  /// - Throws: `outOfMemory`.
  public func reset() throws(CairnError) {
    try total.assign(Tensor(scalar: Float(0)))
    try count?.assign(Tensor(scalar: Float(0)))
  }
}

extension Model {
  /// Adds a metric to the model's state: it is saved and deep-copied with the model; a clone has one
  /// of its own that begins at 0.
  ///
  /// - Throws: `invalidName`; `duplicateName` if the model has a metric of that name.
  @discardableResult
  public func addMetric(_ kind: Metric.Kind = .mean, name: String) throws(CairnError) -> Metric {
    try LayerName.check(name)
    let metric = try Metric(kind, name: name)
    try metricList.withLock { (metrics) throws(CairnError) in
      guard !metrics.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
        throw CairnError(
          .duplicateName, "two metrics of one model have the same name",
          at: .init(name: "\(self.name)/metrics/\(name)"))
      }
      metrics.append(metric)
      state.append(metric.variables)
    }
    return metric
  }

  /// The model's own metrics, in the order in which they were added; not those of models within it.
  public var metrics: [Metric] { metricList.withLock { $0 } }

  /// The metrics of this model and of those within it, each only at its first place.
  func ownMetrics() -> [ModelExtras.MetricPlace] {
    var seen: Set<ObjectIdentifier> = []
    var places: [ModelExtras.MetricPlace] = []
    walk([name]) { layer, path in
      guard seen.insert(ObjectIdentifier(layer)).inserted else { return false }
      for metric in (layer as? Model)?.metrics ?? [] {
        places.append(.init(place: path + [metric.name], className: metric.kind.rawValue))
      }
      return true
    }
    return places
  }

  /// Adds metrics of the same kinds and names, which begin at 0.
  func addMetrics(like other: Model) throws(CairnError) {
    for metric in other.metrics { try addMetric(metric.kind, name: metric.name) }
  }
}
