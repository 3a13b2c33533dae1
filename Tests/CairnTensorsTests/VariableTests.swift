// Variables: references with checked, atomic assignment.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Dispatch
import Synchronization
import Testing

@Suite struct VariableTests {
  @Test func `two names for one variable see each other's assignments, a deep copy does not`()
    throws
  {
    let variable = Variable(try Tensor([1, 2] as [Float]), name: "kernel", trainable: false)
    let same = variable
    let copy = try variable.deepCopy()
    #expect(copy !== variable && copy.value == variable.value)
    #expect(copy.name == "kernel" && !copy.trainable && copy.dtype == .float32 && copy.shape == [2])
    #expect(!copy.value.storageIdentity.overlaps(variable.value.storageIdentity))
    try variable.assign(Tensor([3, 4] as [Float]))
    copy.trainable = true
    #expect(try same.value.scalars() == [3, 4] as [Float])
    #expect(try copy.value.scalars() == [1, 2] as [Float])
    #expect(!same.trainable)
  }

  @Test func `an assigned tensor and the variable stay apart`() throws {
    var tensor = try Tensor([1, 2] as [Float])
    let variable = Variable(tensor)
    let snapshot = variable.value
    try tensor.setElement(at: [0], to: Float(9))
    #expect(try variable.value.scalars() == [1, 2] as [Float])
    try variable.assign(tensor)
    try tensor.setElement(at: [1], to: Float(9))
    #expect(try variable.value.scalars() == [9, 2] as [Float])
    #expect(try snapshot.scalars() == [1, 2] as [Float])
  }

  @Test func `another type or shape is refused and changes nothing`() throws {
    let variable = Variable(try Tensor([1, 2] as [Float]), name: "kernel")
    for method in [Variable.assign, Variable.assignAdd, Variable.assignSub] {
      var found: CairnError?
      do throws(CairnError) {
        try method(variable)(Tensor([1, 2] as [Double]))
      } catch { found = error }
      #expect(found?.code == .dtypeMismatch)
      #expect(found?.location.name == "kernel")
      #expect(found?.expected == "float32" && found?.found == "float64")
      #expect(code { try method(variable)(Tensor([1] as [Float])) } == .shapeMismatch)
      #expect(
        code { try method(variable)(Tensor([1, 2] as [Float], shape: [1, 2])) } == .shapeMismatch)
    }
    #expect(try variable.value.scalars() == [1, 2] as [Float])
  }

  private func check<T: TensorScalar & Equatable>(
    _ start: [T], _ delta: [T], sum: [T], difference: [T]
  ) throws {
    let variable = Variable(try Tensor(start))
    let before = variable.value
    try variable.assignAdd(Tensor(delta))
    #expect(try variable.value.scalars() == sum)
    try variable.assign(Tensor(start))
    try variable.assignSub(Tensor(delta))
    #expect(try variable.value.scalars() == difference)
    #expect(try before.scalars() == start)
  }

  @Test func `adding and subtracting are in the variable's own type`() throws {
    try check([1, -2] as [Float], [0.5, 1], sum: [1.5, -1], difference: [0.5, -3])
    try check([1e300] as [Double], [1], sum: [1e300], difference: [1e300])
    try check([100, -100] as [Int8], [100, 100], sum: [-56, 0], difference: [0, 56])
    try check([0, 255] as [UInt8], [1, 1], sum: [1, 0], difference: [255, 254])
    try check([Int64.max], [1], sum: [.min], difference: [.max - 1])
    // 2,048 + 1 is a tie in float16, 256 + 1 in bfloat16: to even.
    try check([2_048, 1] as [Float16], [1, 1], sum: [2_048, 2], difference: [2_047, 0])
    try check([256, 1] as [BFloat16], [1, 1], sum: [256, 2], difference: [255, 0])
  }

  @Test(arguments: [DType.bool, .complex64, .float8E5M2, .int4])
  func `a type without arithmetic is refused and changes nothing`(_ dtype: DType) throws {
    let tensor = try Tensor([1, 0] as [UInt8]).cast(to: dtype)
    let variable = Variable(tensor)
    #expect(code { try variable.assignAdd(tensor) } == .noConversion)
    #expect(variable.value == tensor)
  }

  @Test func `the text says name, type, shape, whether it is trained, and the value`() throws {
    let variable = Variable(try Tensor([1, 2] as [Float]), name: "bias")
    #expect(
      variable.description
        == "Variable(name: bias, dtype: float32, shape: (2,), trainable: true, value:\n[1. 2.])")
  }
}

/// Run under the thread sanitizer:
/// `swift test --sanitize=thread --scratch-path .build-tsan --filter "ConcurrencyTests|ParallelTests"`.
@Suite struct VariableConcurrencyTests {
  private static let count = 512

  /// Whether all elements are the same.
  private func isUniform(_ tensor: Tensor) throws(CairnError) -> Bool {
    try tensor.withScalars(of: Int32.self) { values in
      for index in values.indices where values[index] != values[0] { return false }
      return true
    }
  }

  @Test func `every read while others assign is one whole value`() throws {
    let variable = Variable(try Tensor(zeros: .int32, shape: [Self.count]))
    let fills = try (0..<8).map { try Tensor(repeating: Int32($0), shape: [Self.count]) }
    let torn = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<200 {
        if thread % 2 == 0 {
          try? variable.assign(fills[(thread + round) % fills.count])
        } else if (try? isUniform(variable.value)) != true {
          torn.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(torn.load(ordering: .relaxed) == 0)
  }

  @Test func `additions at once are all counted`() throws {
    let variable = Variable(try Tensor(zeros: .int32, shape: [Self.count]))
    let one = try Tensor(repeating: Int32(1), shape: [Self.count])
    let torn = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<50 {
        try? variable.assignAdd(one)
        if (try? isUniform(variable.value)) != true { torn.add(1, ordering: .relaxed) }
      }
    }
    #expect(torn.load(ordering: .relaxed) == 0)
    #expect(try variable.value.element(at: [Self.count - 1]) == Int32(400))
  }

  @Test func `threads that write their own copies of one tensor do not meet`() throws {
    let tensor = try Tensor(repeating: Int32(-1), shape: [Self.count])
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<50 {
        var mine = tensor
        let value = Int32(thread * 1_000 + round)
        try? mine.withMutableScalars(of: Int32.self) { values in
          for index in values.indices { values[index] = value }
        }
        if (try? isUniform(mine)) != true || (try? mine.element(at: [0])) != value {
          wrong.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(try tensor == Tensor(repeating: Int32(-1), shape: [Self.count]))
  }

  @Test func `a snapshot handed from thread to thread is written in place or copied, never shared`()
    throws
  {
    let variable = Variable(try Tensor(zeros: .int32, shape: [Self.count]))
    let torn = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<100 {
        var value = variable.value
        if (try? isUniform(value)) != true { torn.add(1, ordering: .relaxed) }
        try? value.withMutableScalars(of: Int32.self) { values in
          for index in values.indices { values[index] = Int32(thread * 1_000 + round) }
        }
        try? variable.assign(value)
      }
    }
    #expect(torn.load(ordering: .relaxed) == 0)
  }
}
