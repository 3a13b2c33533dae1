// The tensor as a value: sharing is never seen, equality is by bits, arguments are checked.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct TensorValueTests {
  let tensor: Tensor

  init() throws { tensor = try Tensor((0..<12).map { Float($0) }, shape: [3, 4]) }

  private func address(_ tensor: Tensor) -> UInt { tensor.storageIdentity.addresses.lowerBound }

  @Test func `writing to one of two never shows in the other`() throws {
    var (a, b) = (tensor, tensor)
    try a.setElement(at: [0, 0], to: Float(100))
    try b.setElement(at: [2, 3], to: Float(200))
    #expect(try tensor.scalars() == (0..<12).map { Float($0) })
    #expect(try a.scalars() == [100] + (1..<12).map { Float($0) })
    #expect(try b.scalars() == (0..<11).map { Float($0) } + [200])
  }

  @Test func `writing to a slice or a reshaped tensor never shows in the whole`() throws {
    var slice = try tensor.slice(1..<3)
    var flat = try tensor.reshaped(to: [12])
    #expect(slice.storageIdentity.overlaps(tensor.storageIdentity))
    #expect(address(flat) == address(tensor))
    try slice.setElement(at: [0, 0], to: Float(-1))
    try flat.setElement(at: [5], to: Float(-2))
    #expect(try tensor.scalars() == (0..<12).map { Float($0) })
    #expect(try slice.scalars() == [-1, 5, 6, 7, 8, 9, 10, 11] as [Float])
    #expect(try flat.element(at: [5]) == Float(-2))
    #expect(!slice.storageIdentity.overlaps(tensor.storageIdentity))
    #expect(!flat.storageIdentity.overlaps(slice.storageIdentity))
  }

  @Test func `writing to the whole never shows in a slice`() throws {
    var whole = tensor
    let slice = try whole.slice(0..<1)
    try whole.setElement(at: [0, 0], to: Float(9))
    #expect(try slice.scalars() == [0, 1, 2, 3] as [Float])
  }

  @Test func `a tensor that nobody shares is written in place`() throws {
    var own = try tensor.copied()
    let before = address(own)
    try own.setElement(at: [0, 0], to: Float(9))
    try own.withMutableScalars(of: Float.self) { $0[1] = 8 }
    #expect(address(own) == before)
    #expect(try own.element(at: [0, 1]) == Float(8))
  }

  @Test func `a copy has storage of its own, an identity shares it until one is written`() throws {
    let copy = try tensor.copied()
    #expect(copy == tensor)
    #expect(!copy.storageIdentity.overlaps(tensor.storageIdentity))
    #expect(copy.storageIdentity.owner != tensor.storageIdentity.owner)
    var same = tensor.identity()
    #expect(same.storageIdentity == tensor.storageIdentity)
    try same.setElement(at: [0, 0], to: Float(0))
    #expect(!same.storageIdentity.overlaps(tensor.storageIdentity))
    #expect(same == tensor)
  }

  @Test func `a slice of a copy does not keep its neighbours' bytes apart from them`() throws {
    let (first, second) = (try tensor.slice(0..<1), try tensor.slice(1..<3))
    #expect(!first.storageIdentity.overlaps(second.storageIdentity))
    #expect(first.storageIdentity.owner == second.storageIdentity.owner)
    let empty = try tensor.slice(1..<1)
    #expect(!empty.storageIdentity.overlaps(tensor.storageIdentity))
  }

  @Test func `a write that fails leaves the others as they were`() throws {
    var other = tensor
    #expect(
      code {
        try other.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
          values[0] = 50
          throw CairnError(.invalidArgument, "stop")
        }
      } == .invalidArgument)
    #expect(try tensor.element(at: [0, 0]) == Float(0))
  }
}

@Suite struct TensorEqualityTests {
  private func bits(_ patterns: [UInt32]) throws -> Tensor {
    try Tensor(patterns.map(Float.init(bitPattern:)))
  }

  @Test func `NaNs are equal if their payloads are`() throws {
    #expect(try bits([0x7FC0_0001]) == bits([0x7FC0_0001]))
    #expect(try bits([0x7FC0_0001]) != bits([0x7FC0_0002]))
    #expect(try bits([0x7FC0_0001]) != bits([0xFFC0_0001]))
  }

  @Test func `minus zero is not zero`() throws {
    #expect(try bits([0x8000_0000]) != bits([0]))
  }

  @Test func `type and shape count, and equal tensors have equal hashes`() throws {
    let values = try bits([1, 2, 3, 4])
    let same = try bits([1, 2, 3, 4])
    #expect(values == same && values.hashValue == same.hashValue)
    #expect(try values != values.reshaped(to: [2, 2]))
    #expect(try values != Tensor([1, 2, 3, 4] as [UInt32]))
    #expect(try Tensor(zeros: .int32, shape: [0]) != Tensor(zeros: .int32, shape: [0, 1]))
    let all: Set = [values, same, try values.reshaped(to: [2, 2]), try values.copied()]
    #expect(all.count == 2)
  }
}

@Suite struct TensorCheckTests {
  @Test func `the wrong scalar type is a dtype mismatch`() throws {
    var tensor = try Tensor([1, 2, 3] as [Float])
    #expect(code { _ = try tensor.scalars(of: Double.self) } == .dtypeMismatch)
    #expect(code { _ = try tensor.scalars(of: Int32.self) } == .dtypeMismatch)
    #expect(code { try tensor.withMutableScalars(of: UInt32.self) { _ in } } == .dtypeMismatch)
    #expect(code { _ = try tensor.element(at: [0], of: Float16.self) } == .dtypeMismatch)
    #expect(code { _ = try tensor.byteStrings() } == .dtypeMismatch)
  }

  @Test func `the wrong number of values is a count mismatch`() throws {
    #expect(code { _ = try Tensor([1, 2] as [Float], shape: [3]) } == .countMismatch)
    #expect(code { _ = try Tensor(strings: ["a"], shape: [2]) } == .countMismatch)
    #expect(code { _ = try Tensor([1, 2] as [Int8]).scalar(of: Int8.self) } == .countMismatch)
    #expect(code { _ = try Tensor([1, 2] as [Int8]).reshaped(to: [3]) } == .countMismatch)
    for count in [0, 7, 9] {
      let bytes = [UInt8](repeating: 0, count: count)
      #expect(
        code { _ = try Tensor(dtype: .float32, shape: [2], bytes: bytes) } == .countMismatch)
    }
    #expect(code { _ = try Tensor(dtype: .string, shape: [2], bytes: []) } == .countMismatch)
  }

  @Test func `a position outside the shape is refused`() throws {
    var tensor = try Tensor([1, 2, 3, 4] as [Int16], shape: [2, 2])
    for position in [[], [0], [0, 0, 0], [2, 0], [0, 2], [-1, 0], [0, .max], [.min, 0]] {
      #expect(
        code { _ = try tensor.element(at: position, of: Int16.self) } == .invalidArgument)
      #expect(code { try tensor.setElement(at: position, to: Int16(1)) } == .invalidArgument)
    }
    #expect(try tensor.element(at: [1, 0]) == Int16(3))
  }

  @Test func `a shape that the type cannot fill is refused`() throws {
    let vast = try Shape([1 << 40, 1 << 22])
    #expect(code { _ = try Tensor(zeros: .float64, shape: vast) } == .invalidShape)
    #expect(code { _ = try Tensor(zeros: .string, shape: vast) } == .invalidShape)
    #expect(code { _ = try Tensor(zeros: .bool, shape: vast) } == .outOfMemory)
    let block = DType.quantized(
      try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18)))
    #expect(code { _ = try Tensor(zeros: block, shape: [33]) } == .invalidShape)
    #expect(try Tensor(zeros: block, shape: [64]).byteCount == 36)
  }

  @Test func `scalars of every type come back as they were put in`() throws {
    func check<T: TensorScalar & Equatable>(_ values: [T]) throws {
      let tensor = try Tensor(values)
      #expect(tensor.dtype == T.dtype)
      #expect(try tensor.scalars() == values)
      #expect(try Tensor(scalar: values[0]).scalar() == values[0])
      #expect(
        try Tensor(repeating: values[1], shape: [2, 3]).scalars()
          == Array(repeating: values[1], count: 6))
      let view = try unaligned(tensor.bytes, T.dtype, [values.count])
      #expect(try view.scalars() == values)
    }
    try check([true, false])
    try check([Int8.min, .max])
    try check([Int16.min, .max])
    try check([Int32.min, .max])
    try check([Int64.min, .max])
    try check([UInt8.max, 1])
    try check([UInt16.max, 1])
    try check([UInt32.max, 1])
    try check([UInt64.max, 1])
    try check([Float16(1.5), -2])
    try check([BFloat16(1.5), -2])
    try check([Float(1.5), -2])
    try check([Double(1.5), -2])
  }

  @Test func `a misaligned view is written through a copy`() throws {
    let original = try Tensor([1, 2] as [Int32])
    let view = try unaligned(original.bytes, .int32, [2])
    var written = view
    try written.setElement(at: [1], to: Int32(77))
    #expect(try written.scalars() == [1, 77] as [Int32])
    #expect(view == original)
  }

  @Test func `a bool of a careless source is refused when it is read as Bool`() throws {
    var view = try unaligned([1, 2], .bool, [2])
    #expect(code { _ = try view.scalars(of: Bool.self) } == .invalidElement)
    #expect(code { try view.withMutableScalars(of: Bool.self) { _ in } } == .invalidElement)
  }
}

/// A tensor whose bytes begin one byte behind an aligned address, and are not checked.
func unaligned(_ bytes: [UInt8], _ dtype: DType, _ shape: Shape) throws(CairnError) -> Tensor {
  let storage = try Storage(byteCount: bytes.count + 1, zeroed: true)
  storage.withMutableBytes(in: 1..<bytes.count + 1) { $0.copy(bytes.span) }
  return Tensor(dtype: dtype, shape: shape, region: ByteRegion(storage, 1..<bytes.count + 1))
}
