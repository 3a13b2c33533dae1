// The four ways to have a model twice: they are equal; what they share; and a change of the
// original shows only in those that promise it.

import CairnModelFiles
import CairnComparison
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

struct DigitCopies {
  private struct Copy {
    var title: String
    var model: Model
    /// What this way promises to share with the original.
    var promised: StorageRelation
    /// Whether this way keeps state that is not weights.
    var keepsState: Bool
  }
  private let original: Model
  private let digits: HeldOutDigits
  /// What the original predicts before anything is changed.
  private let before: Tensor
  private let copies: [Copy]

  init(
    original: Model, restored: Model, digits: HeldOutDigits, before: Tensor
  ) throws(CairnError) {
    self.original = original
    self.digits = digits
    self.before = before
    let assigned = original
    let cloned = try original.cloned()
    try cloned.setWeights(original.getWeights())
    let deep = try original.deepCopy()
    copies = [
      Copy(title: "let b = a", model: assigned, promised: .shared, keepsState: true),
      Copy(
        title: "a.cloned() + setWeights", model: cloned, promised: .sharedUntilWritten,
        keepsState: false),
      Copy(title: "a.deepCopy()", model: deep, promised: .disjoint, keepsState: true),
      Copy(title: "a.save, then load", model: restored, promised: .disjoint, keepsState: true),
    ]
  }

  func run(_ report: inout DemoReport) throws(CairnError) {
    try showEquality(&report)
    try showSharing(&report)
    try showMutation(&report)
  }

  // MARK: - Equal

  private func showEquality(_ report: inout DemoReport) throws(CairnError) {
    report.step("Four ways to have the model twice, held against the original to the bit")
    var table = TextTable([
      ("", .left), ("predictions", .left), ("weights", .left), ("all state", .left),
    ])
    var predictSame = true
    var weightsSame = true
    var statesSame = true
    var lost: [TensorName] = []
    for copy in copies {
      let isSame = try copy.model.predict(digits.images) == before
      let weights = try comparison(with: copy.model, .weights)
      let state = try comparison(with: copy.model, .fullState)
      predictSame = predictSame && isSame
      weightsSame = weightsSame && weights.isSame
      if copy.keepsState {
        statesSame = statesSame && state.isSame
      } else {
        lost += state.different.elements.compactMap(\.name)
      }
      table.add([
        copy.title, isSame ? "same bits" : "DIFFERENT", weights.isSame ? "same" : "DIFFERENT",
        state.isSame
          ? "same"
          : "\(state.different.total) of \(state.comparedCount) differs: the seed is fresh",
      ])
    }
    report.show(table)
    report.check("all four predict the same bits for all \(digits.count) images", predictSame)
    report.check("all four have the same weights: names, order, types, ties, bits", weightsSame)
    report.check(
      "all but the clone have the same state, configuration and flags too", statesSame)
    let seeds = try original.places(.fullState).filter { $0.role == .state }
      .map { (place) throws(CairnError) in try place.name() }
    report.check(
      "the clone lacks only \(lost.map(\.string).joined(separator: ", "))",
      lost == seeds && !seeds.isEmpty)
  }

  /// The comparator's report. In the scope of weights only weights are compared.
  private func comparison(
    with copy: Model, _ scope: StateScope
  ) throws(CairnError) -> ComparisonReport {
    var options = ComparisonOptions()
    options.scope = scope == .weights ? .weights : .everything
    return try compare(
      ModelTensors(original, scope: scope), ModelTensors(copy, scope: scope), options: options)
  }

  // MARK: - Independent

  private func showSharing(_ report: inout DemoReport) throws(CairnError) {
    report.step("What each shares with the original, by identity and by trying to write")
    var table = TextTable([
      ("", .left), ("variables", .right), ("memory", .left), ("writes that show", .right),
    ])
    var proofs: [(copy: Copy, proof: IndependenceReport)] = []
    for copy in copies {
      let proof = try proof(copy.model)
      proofs.append((copy, proof))
      let (variables, blocks) = (proof.count(.shared), proof.count(.sharedUntilWritten))
      let memory =
        proof.relation == .shared
        ? "all" : blocks > 0 ? "\(blocks) blocks, until one is written" : "none"
      table.add([
        copy.title, variables == 0 ? "none" : "\(variables)", memory,
        "\(proof.leaks.count) of \(proof.probedCount)",
      ])
    }
    report.show(table)
    for (copy, proof) in proofs {
      let claim =
        switch copy.promised {
        case .shared: "‘\(copy.title)’ is one model with two names: every write shows"
        case .sharedUntilWritten:
          "‘\(copy.title)’ shares no variable; memory only until the first write"
        case .disjoint: "‘\(copy.title)’ shares nothing, not one variable, not one byte"
        }
      let leaks = copy.promised == .shared ? proof.probedCount : 0
      report.check(
        claim,
        proof.relation == copy.promised && proof.leaks.count == leaks && proof.probedCount > 0)
    }
  }

  private func proof(_ copy: Model) throws(CairnError) -> IndependenceReport {
    try proveIndependence(of: ModelTensors.live(original), from: ModelTensors.live(copy))
  }

  // MARK: - A change

  private func showMutation(_ report: inout DemoReport) throws(CairnError) {
    guard let kernel = original.places(.weights).first(where: { $0.path.last == "kernel" }) else {
      throw original.noKernel()
    }
    let name = try kernel.name()
    report.step("Now the original's \(name) is set to zero")
    try kernel.variable.assign(Tensor(zeros: kernel.variable.dtype, shape: kernel.variable.shape))

    let after = try original.predict(digits.images)
    let correct = try digits.correct(after)
    let wasCorrect = try digits.correct(before)
    var table = TextTable([
      ("", .left), ("right", .right), ("accuracy", .right), ("predictions", .left),
    ])
    table.add(["a, the original"] + digits.score(correct) + [verdict(after)])
    var kept = true
    var followed = true
    for copy in copies {
      let predictions = try copy.model.predict(digits.images)
      let score = digits.score(try digits.correct(predictions))
      table.add([copy.title] + score + [verdict(predictions)])
      if copy.promised == .shared {
        followed = followed && predictions == after
      } else {
        kept = kept && predictions == before
      }
    }
    report.show(table)
    report.check(
      "the original has changed: \(wasCorrect) right before, \(correct) now",
      after != before && correct < wasCorrect)
    report.check("what was only assigned has changed with it, to the bit", followed)
    report.check("the three copies predict the very bits of before", kept)
    for copy in copies where copy.promised != .shared {
      let weights = try comparison(with: copy.model, .weights)
      report.check(
        "‘\(copy.title)’ differs from the original in \(name) alone",
        weights.different.elements.map(\.name) == [name] && weights.different.total == 1)
    }
  }

  private func verdict(_ predictions: Tensor) -> String {
    predictions == before ? "same bits as before" : "changed"
  }
}

extension IndependenceReport {
  /// The number of pairs of that relation.
  fileprivate func count(_ relation: StorageRelation) -> Int {
    shared.elements.count { $0.relation == relation }
  }
}

extension Model {
  fileprivate func noKernel() -> CairnError {
    CairnError(
      .invalidFixture, "the model has no kernel to set to zero", at: .init(name: name))
  }
}
