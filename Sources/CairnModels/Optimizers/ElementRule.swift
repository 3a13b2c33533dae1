// What an optimizer does to one element of a variable, whatever its float type.

import CairnJSON
import CairnSystem
import CairnTensors

extension FloatScalar {
  /// A power, rounded from double precision, so that it depends little on the C library.
  static func power(_ base: Self, _ exponent: Self) -> Self {
    Self(ElementaryOfTwo.pow(base.double, exponent.double))
  }
}

/// One element of a variable on its way through an update: its value, its gradient, and what the
/// optimizer remembers of it.
struct UpdatedElement<Scalar: FloatScalar> {
  var value: Scalar
  var gradient: Scalar
  var first: Scalar = 0
  var second: Scalar = 0
  var third: Scalar = 0
}

/// What an update does to an element.
typealias ElementUpdate<Scalar: FloatScalar> = (inout UpdatedElement<Scalar>) -> Void

/// What all elements of an update have in common.
struct UpdateStep<Scalar: FloatScalar> {
  var learningRate: Scalar
  /// 1 for the first update.
  var number: Int
  /// The optimizer's shared number, as the rule has advanced it for this update.
  var shared: Scalar

  /// `base` to the number of the update, plus `more`.
  func power(_ base: Scalar, more: Int = 0) -> Scalar {
    Scalar.power(base, Scalar(number) + Scalar(more))
  }
}

/// A variable's elements, and those of its slots, an empty column for each that the rule lacks.
struct UpdatedColumns<Scalar: FloatScalar> {
  var values: [Scalar]
  var gradients: [Scalar]
  var slots: [[Scalar]]
}

/// A variable that a rule keeps for each variable of the model.
struct OptimizerSlot: Sendable {
  /// Keras's name: `momentum`.
  var name: String
  /// Which of an element's three numbers it is.
  var place: Int
  /// What all its elements begin with.
  var initial: Double = 0
}

/// One of Keras's optimizers: how elements change, and what is kept of them.
///
/// Numbers are rounded to the variable's type where Keras rounds them: `1 - rho` is computed in
/// double precision where Keras leaves it to Python, in the variable's type where it does not.
protocol ElementRule: Sendable {
  /// Keras's class, and the defaults that differ from one to the other.
  static var className: String { get }
  static var defaultLearningRate: Double { get }
  static var defaultWeightDecay: Double? { get }

  /// Reads the keys of the class's own.
  init(reading reader: inout ConfigurationReader) throws(CairnError)

  /// The slots, in groups: a group's are made variable by variable, one group after the other.
  var slots: [[OptimizerSlot]] { get }
  /// Whether the optimizer keeps one number for all variables, which begins with 1.
  var hasShared: Bool { get }
  /// The shared number for an update, from that of the one before.
  func advance<Scalar>(_ shared: Scalar, to number: Int) -> Scalar where Scalar: FloatScalar

  /// What happens to an element in an update.
  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar>

  // One function for each type, so that the loop is compiled for that type and that rule.
  func run(_ step: UpdateStep<Float>, on columns: inout UpdatedColumns<Float>)
  func run(_ step: UpdateStep<Double>, on columns: inout UpdatedColumns<Double>)
}

extension ElementRule {
  static var defaultLearningRate: Double { 0.001 }
  static var defaultWeightDecay: Double? { nil }
  var hasShared: Bool { false }
  func advance<Scalar>(_ shared: Scalar, to number: Int) -> Scalar where Scalar: FloatScalar {
    shared
  }

  func run(_ step: UpdateStep<Float>, on columns: inout UpdatedColumns<Float>) {
    loop(step, &columns)
  }

  func run(_ step: UpdateStep<Double>, on columns: inout UpdatedColumns<Double>) {
    loop(step, &columns)
  }

  private func loop<Scalar>(_ step: UpdateStep<Scalar>, _ columns: inout UpdatedColumns<Scalar>) {
    let update = update(at: step)
    let has = columns.slots.map { !$0.isEmpty }
    for index in columns.values.indices {
      var element = UpdatedElement(
        value: columns.values[index], gradient: columns.gradients[index])
      if has[0] { element.first = columns.slots[0][index] }
      if has[1] { element.second = columns.slots[1][index] }
      if has[2] { element.third = columns.slots[2][index] }
      update(&element)
      columns.values[index] = element.value
      if has[0] { columns.slots[0][index] = element.first }
      if has[1] { columns.slots[1][index] = element.second }
      if has[2] { columns.slots[2][index] = element.third }
    }
  }
}

/// The larger of two numbers; NaN if one is.
func largest<Scalar: FloatScalar>(_ x: Scalar, _ y: Scalar) -> Scalar {
  x.isNaN || x > y ? x : y
}
