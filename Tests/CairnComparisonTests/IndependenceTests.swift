// Whether two live sources share anything: by identity and by trial.

import CairnCheckpoints
import CairnComparison
import CairnForeign
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Independence")
struct IndependenceTests {
  private func model() throws -> Variables {
    let shared = Variable(try Tensor([1, 2, 3] as [Float]))
    return Variables([
      ("kernel", shared), ("bias", Variable(try Tensor([0] as [Double]))), ("tied", shared),
      ("flags", Variable(try Tensor([true, false]))),
      ("words", Variable(try Tensor(strings: ["a", "bc"]))),
      ("none", Variable(try Tensor(zeros: .float32, shape: [0]))),
      ("blank", Variable(try Tensor(strings: [""]))),
    ])
  }

  private func deepCopy(_ model: Variables) throws -> Variables {
    var copies: [ObjectIdentifier: Variable] = [:]
    return Variables(
      try model.items.map { name, variable in
        let copy = try copies[ObjectIdentifier(variable)] ?? variable.deepCopy()
        copies[ObjectIdentifier(variable)] = copy
        return (name, copy)
      })
  }

  @Test("A deep copy is disjoint, and every variable comes back as it was")
  func disjoint() throws {
    let model = try model()
    let copy = try deepCopy(model)
    let before = try NamedTensors(reading: model)
    let report = try proveIndependence(of: model, from: copy)
    #expect(report.isDisjoint && report.isIndependent && report.relation == .disjoint)
    #expect(report.liveCount == (7, 7))
    // kernel, bias, flags and words on either side; empty ones have no bit to flip.
    #expect(report.probedCount == 8)
    #expect(try compare(before, model, options: .weightsOnly).different.isEmpty)
    #expect(try compare(model, copy).isSame)
    #expect(
      report.text == "disjoint: 7 and 7 tensors in memory, 8 variables written and restored")
    #expect(report.json["disjoint"] == true)
  }

  @Test("Values that share a block until written are independent, not disjoint")
  func sharedUntilWritten() throws {
    let model = try model()
    let clone = Variables(model.items.map { ($0.name, Variable($0.variable.value)) })
    let report = try proveIndependence(of: model, from: clone)
    #expect(report.isIndependent && !report.isDisjoint)
    #expect(report.relation == .sharedUntilWritten)
    // kernel and tied each share with both names of the clone.
    #expect(report.shared.total == 4 + 4)
    #expect(report.shared.elements.allSatisfy { $0.relation == .sharedUntilWritten })
    // Once written, the block is no longer shared.
    let first = try #require(clone.items.first).variable
    try first.assign(try first.value.copied())
    #expect(try proveIndependence(of: model, from: clone).shared.total < 8)
  }

  @Test("One variable in both is not independent, and the trial shows it on both sides")
  func shared() throws {
    let model = try model()
    let half = Variables([model.items[1], ("own", Variable(try Tensor([5] as [Float])))])
    let report = try proveIndependence(of: model, from: half)
    #expect(!report.isIndependent && report.relation == .shared)
    #expect(report.shared.elements.map(\.left) == ["bias"])
    #expect(report.leaks.map(\.written) == ["bias", "bias"])
    #expect(report.leaks.map(\.side) == [.left, .right])
    #expect(report.leaks.map(\.changed) == [["bias"], ["bias"]])
    #expect(
      report.text == """
        shared    bias  bias  one variable
        leaks     bias on the left changes bias
        leaks     bias on the right changes bias
        not independent: 7 and 2 tensors in memory, 6 variables written and restored
        """)
    #expect(try proveIndependence(of: model, from: half, probing: false).leaks.isEmpty)
  }

  /// A source that says nothing of what it is made of, but reads through another's variables.
  private struct Window: TensorSource {
    var variables: Variables
    var count: Int { variables.count }
    func entry(at index: Int) throws(CairnError) -> TensorEntry { try variables.entry(at: index) }
    func read(
      at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
    ) throws(CairnError) { try variables.read(at: index, from: offset, into: &bytes) }
  }

  @Test("A trial finds what identity does not show, and names both tensors")
  func hidden() throws {
    let model = try model()
    let report = try proveIndependence(of: model, from: Window(variables: model))
    #expect(report.relation == .disjoint && !report.isIndependent && !report.isDisjoint)
    #expect(report.leaks.map(\.written) == ["kernel", "bias", "flags", "words"])
    #expect(report.leaks.first?.changed == ["kernel", "tied"])
    #expect(try compare(model.items[0].variable.value, Tensor([1, 2, 3] as [Float])) == nil)
  }

  @Test("Slices of one block share it; tensors in blocks of their own don't")
  func slices() throws {
    let whole = try Tensor((0..<8).map(Float.init))
    let left = try NamedTensors([("a", whole.slice(0..<4))])
    let right = try NamedTensors([("b", whole.slice(4..<8))])
    #expect(try proveIndependence(of: left, from: right).relation == .sharedUntilWritten)
    let copy = try NamedTensors([("b", whole.slice(4..<8).copied())])
    #expect(try proveIndependence(of: left, from: copy).isDisjoint)
  }

  @Test("A file shares nothing with what was read from it")
  func file() throws {
    let file = try SafetensorsFile(path: fixtures + "/safetensors/layers_0_to_11.safetensors")
    let tensors = try NamedTensors(reading: file)
    let report = try proveIndependence(of: tensors, from: file)
    #expect(report.isDisjoint && report.liveCount == (12, 0) && report.probedCount == 0)
  }

  @Test("Two readings of one mapped file share the map until written")
  func mapped() throws {
    let path = fixtures + "/safetensors/layers_0_to_11.safetensors"
    let file = try SafetensorsFile(path: path, access: .mapped)
    let (left, right) = (try NamedTensors(reading: file), try NamedTensors(reading: file))
    let report = try proveIndependence(of: left, from: right, maximumDetails: 3)
    #expect(report.relation == .sharedUntilWritten && report.isIndependent)
    #expect(report.shared.elements.count == 3)
  }
}

extension ComparisonOptions {
  /// Values, order and ties.
  fileprivate static var weightsOnly: Self {
    var options = Self()
    options.scope = .weights
    return options
  }
}
