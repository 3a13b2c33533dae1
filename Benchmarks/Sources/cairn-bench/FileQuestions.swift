// What is asked of a file without loading it: the first tensor, one of many, whether all is right.

import CMeasure
import Cairn

extension Bench {
  /// Opens a file and takes the first tensor; then checks one block of it.
  func first(_ command: Command) throws(CairnError) -> JSONObject {
    let path = try command.string("path")
    let options = try command.readOptions()
    let (opened, measurement) = try Measurement.of { () throws(CairnError) in
      let container = try Container(path: path, options: options)
      return (container: container, tensor: try container.tensor(at: 0))
    }
    let (largest, block) = try Self.oneBlock(of: opened.container)
    let tensor = try opened.container.tensor(at: largest)
    return measurement.answer([
      "block": .double(block), "mapped": .bool(tensor.liesInMap(of: path)),
      "same": .bool(
        try opened.tensor == tensors.tensor(named: opened.container.entry(at: 0).name)),
    ])
  }

  /// The largest tensor, and the time to read its first block, which is checked by that.
  private static func oneBlock(
    of container: Container
  ) throws(CairnError) -> (index: Int, seconds: Double) {
    let sizes = try container.entries().map(\.byteCount)
    let index = sizes.indices.max { sizes[$0] < sizes[$1] } ?? 0
    var bytes = [UInt8](repeating: 0, count: min(sizes[index], 1 << container.log2ChunkSize))
    let (_, seconds) = try Measurement.timed { () throws(CairnError) in
      var span = bytes.mutableSpan
      try container.read(at: index, from: 0, into: &span)
    }
    return (index, seconds)
  }

  /// Opens a file of many tensors and reads one by its name; counts what is allocated for that.
  func lookUp(_ command: Command) throws(CairnError) -> JSONObject {
    let path = try command.string("path")
    let options = try command.readOptions()
    let number = try command.int("number")
    let name = try ManyTensors.name(number)
    let lookUp = { () throws(CairnError) -> Tensor in
      try Container(path: path, options: options).tensor(named: name)
    }
    let (found, measurement) = try Measurement.of(lookUp)
    // Apart from the time, which counting would lengthen.
    cm_count_allocations()
    let again = try lookUp()
    let allocated = cm_allocated()
    let expected = [Float](repeating: Float(number), count: 4)
    let isSame = try found.scalars(of: Float.self) == expected && found == again
    return measurement.answer(["allocated": .integer(allocated), "same": .bool(isSame)])
  }

  func verify(_ command: Command) throws(CairnError) -> JSONObject {
    let path = try command.string("path")
    let level: VerificationLevel = command.flag("deep") ? .deep : .structure
    let options = try command.readOptions()
    let (summary, measurement) = try Measurement.of { () throws(CairnError) in
      try Container(path: path, options: options).verify(level)
    }
    return measurement.answer([
      "count": .integer(Int64(summary.tensorCount)),
      "bytes": .integer(Int64(summary.fileByteCount)),
    ])
  }
}
