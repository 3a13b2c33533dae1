// What a report says, to the letter: it is what `cairn diff` prints.

import CairnCheckpoints
import CairnComparison
import CairnJSON
import CairnSystem
import CairnTensors
import Testing

@Suite("Reports")
struct ReportTests {
  private func pair() throws -> (NamedTensors, NamedTensors) {
    var weights = [Float](repeating: 1, count: 12)
    var left = try NamedTensors([
      ("gone", Tensor([1] as [Float])), ("encoder.weight", Tensor(weights, shape: [3, 4])),
      ("x", Tensor([1] as [Float])), ("y", Tensor([1] as [Float])),
    ])
    try left.addAlias("tied", of: "x")
    weights[7] = Float(1).nextUp
    var right = try NamedTensors([
      ("encoder.weight", Tensor(weights, shape: [3, 4])), ("y", Tensor([1, 1] as [Double])),
      ("x", Tensor([1] as [Float])), ("tied", Tensor([1] as [Float])),
      ("new", Tensor([1] as [Float])),
    ])
    left.metadata["epoch"] = .int(3)
    right.metadata["epoch"] = .int(4)
    left.configuration = [1, 2, 3]
    try right.addBlob(Blob(name: "notes", bytes: [1]))
    return (left, right)
  }

  @Test("The text of every kind of difference")
  func text() throws {
    let (left, right) = try pair()
    #expect(
      try compare(left, right).text == """
        missing   gone            only on the left
        extra     new             only on the right
        moved     x               place 1 on the left, 2 on the right
        retyped   y               float32 vs float64
        reshaped  y               (1,) vs (2,)
        tied      tied = x        only on the left
        differs   encoder.weight  float32 (3, 4)  first at [1, 3]: 3f800000 vs 3f800001 (xor 00000001), \
        1 of 12 elements, max ULP 1, max abs 1.19e-07, max rel 1.19e-07
        metadata  epoch           int 3 vs int 4
        config                    only on the left, 3 bytes
        blob      notes           only on the right, 1 byte
        different: 3 tensors compared, 56 bytes, 2 the same to the bit
        """)
  }

  @Test("A long name is shown where all names are long")
  func longNames() throws {
    let name = try TensorName(String(repeating: "n", count: 41))
    let left = try NamedTensors([(name, Tensor([1] as [Float]))])
    let right = try NamedTensors([(name, Tensor([2] as [Float]))])
    #expect(try compare(left, right).text.hasPrefix("differs   \(name)  float32 (1,)"))
  }

  @Test("The text of what is the same")
  func sameText() throws {
    let (left, _) = try pair()
    #expect(try compare(left, left).text == "same to the bit: 5 tensors compared, 60 bytes")
    var options = ComparisonOptions()
    options.tolerance = try Tolerance(relative: 1e-3)
    let near = try NamedTensors([("a", Tensor([1] as [Float]))])
    let far = try NamedTensors([("a", Tensor([1.0001] as [Float]))])
    #expect(
      try compare(near, far, options: options).text
        == "same within the tolerance (1 not to the bit): 1 tensor compared, 4 bytes")
  }

  @Test("What is left out is counted in the text")
  func omitted() throws {
    let names = try (0..<5).map { try TensorName("t\($0)") }
    let left = try NamedTensors(names.map { ($0, try Tensor([0] as [Int8])) })
    var options = ComparisonOptions()
    options.maximumDetails = 2
    #expect(
      try compare(left, NamedTensors(), options: options).text == """
        missing   t0  only on the left
        missing   t1  only on the left
        missing   … and 3 more names
        different: 0 tensors compared, 0 bytes, 0 the same to the bit
        """)
  }

  @Test("A report is the same whatever the number of threads")
  func deterministic() throws {
    let (left, right) = try pair()
    var options = ComparisonOptions()
    let texts = try [1, 2, 8].map { count in
      options.threads = Threads(count)
      return try compare(left, right, options: options).text
    }
    #expect(Set(texts).count == 1)
  }

  @Test("The JSON of a report")
  func json() throws {
    let (left, right) = try pair()
    let json = try compare(left, right).json
    #expect(json["same"] == false)
    #expect(json["tolerance"] == .null)
    #expect(json["compared_count"] == 3)
    #expect(json["missing"] == ["total": 1, "first": ["gone"]])
    #expect(
      json["different"]?["first"]?.arrayValue?.first == [
        "name": "encoder.weight", "other_names": [], "dtype": "float32", "shape": [3, 4],
        "element_count": 12, "first_index": 7, "first_position": [1, 3],
        "first_bits": ["left": "3f800000", "right": "3f800001", "xor": "00000001"],
        "differing_elements": 1, "differing_bytes": 1, "nan_mismatches": 0, "largest_ulp": 1,
        "maximum_absolute": 1.1920928955078125e-07, "maximum_relative": 1.1920927533992823e-07,
      ])
    #expect(
      json["metadata"]?["first"]?.arrayValue?.first == [
        "key": "epoch", "left": ["type": "int", "value": 3], "right": ["type": "int", "value": 4],
      ])
    // It can be written, infinities and all.
    let infinite = try compare(
      NamedTensors([("a", Tensor([Float.infinity]))]), NamedTensors([("a", Tensor([Float(0)]))]))
    #expect(
      infinite.json["different"]?["first"]?.arrayValue?.first?["maximum_absolute"] == "inf")
    _ = try infinite.json.text(.canonical)
  }

  @Test(
    "Distances are rounded to three digits",
    arguments: [
      (0, "0"), (1, "1"), (0.125, "0.125"), (1234.5, "1230"), (999.5, "1000"), (9.995, "10"),
      (0.0012345, "0.00123"), (0.00012355, "0.000124"), (1.2e-7, "1.2e-07"), (99_995, "100000"),
      (1e7, "1e+07"), (3.4028234663852886e38, "3.4e+38"), (.leastNonzeroMagnitude, "5e-324"),
      (1.7976931348623157e308, "1.8e+308"), (.infinity, "inf"), (-0.25, "-0.25"), (.nan, "nan"),
      (0x1p64, "1.84e+19"), (100, "100"), (120, "120"), (12, "12"), (0.1, "0.1"),
    ] as [(Double, String)])
  func short(_ value: Double, _ text: String) {
    #expect(value.short == text)
  }
}
