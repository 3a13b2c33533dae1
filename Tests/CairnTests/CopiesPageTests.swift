// Documentation/Copies.md: every piece of code on that page is compiled and run here, and what the
// page says of it is asserted.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite struct CopiesPageTests {
  @Test func `Tensors are values`() throws {
    // page: tensors
    let a = try Tensor([1, 2, 3] as [Float])
    var b = a  // shares a's storage until one of the two is written
    let c = a.identity()  // the same: tf.identity(a)
    let d = try a.copied()  // storage of its own: tf.constant(a.numpy(), dtype=a.dtype)
    try b.setElement(at: [0], to: Float(9))  // b gets storage of its own; a, c, d keep theirs
    // page end
    #expect(try a.scalars(of: Float.self) == [1, 2, 3])
    #expect(try b.scalars(of: Float.self) == [9, 2, 3])
    #expect(c == a)
    #expect(d == a)
    #expect(c.storageIdentity == a.storageIdentity)
    #expect(!d.storageIdentity.overlaps(a.storageIdentity))
    #expect(!b.storageIdentity.overlaps(a.storageIdentity))
  }

  @Test func `Variables are references`() throws {
    // page: variables
    let v = Variable(try Tensor([1, 2] as [Float]), name: "v")
    let w = v  // the same variable: an assignment shows in both
    let x = try v.deepCopy()  // another variable: tf.Variable(v.value(), dtype=v.dtype)
    try v.assignAdd(Tensor([10, 10] as [Float]))
    // page end
    #expect(w === v)
    #expect(try w.value.scalars(of: Float.self) == [11, 12])
    #expect(try x.value.scalars(of: Float.self) == [1, 2])
  }

  @Test func `Models are references, and there are two roads to a copy`() throws {
    // page: models
    let model = try Sequential([InputLayer(shape: [2]), Dense(2, name: "dense")], name: "m")
    let same = model  // the same model
    let clone = try model.cloned()  // same architecture, fresh weights: clone_model(model)
    try clone.setWeights(model.getWeights())  // now equal: set_weights(get_weights())
    let deep = try model.deepCopy()  // through the format: all state, nothing shared
    try model.weights[0].assign(Tensor(zeros: .float32, shape: [2, 2]))
    // page end
    #expect(same.getWeights() == model.getWeights())
    #expect(clone.getWeights() != model.getWeights())
    #expect(deep.getWeights() == clone.getWeights())
  }

  @Test func `What is shared can be asked`() throws {
    let model = try Sequential([InputLayer(shape: [2]), Dense(2, name: "dense")], name: "m")
    let clone = try model.cloned()
    try clone.setWeights(model.getWeights())
    let deep = try model.deepCopy()
    // page: proof
    let live = try ModelTensors.live(model)
    let toItself = try proveIndependence(of: live, from: live)
    let toClone = try proveIndependence(of: live, from: ModelTensors.live(clone), probing: false)
    let toDeep = try proveIndependence(of: live, from: ModelTensors.live(deep))
    // toItself.relation == .shared, toClone.relation == .sharedUntilWritten,
    // toDeep.relation == .disjoint
    // page end
    #expect(toItself.relation == .shared)
    #expect(toClone.relation == .sharedUntilWritten)
    #expect(toDeep.relation == .disjoint)
    #expect(toDeep.isDisjoint && toClone.isIndependent && !toItself.isIndependent)
  }

  @Test(arguments: ["tensors", "variables", "models", "proof"])
  func `The page shows the very lines that run here`(name: String) throws {
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let page = try String(contentsOfFile: repository + "/Documentation/Copies.md", encoding: .utf8)
    let start = try #require(here.firstIndex { $0.hasSuffix("// page: \(name)") })
    let end = try #require(here[start...].firstIndex { $0.hasSuffix("// page end") })
    let code = here[(start + 1)..<end].map { $0.dropFirst(4) }.joined(separator: "\n")
    #expect(page.contains("```swift\n" + code + "\n```"))
  }
}
