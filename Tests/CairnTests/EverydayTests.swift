// What everyday use needs, in one line each: dictionaries, literals, files by path or URL, comparing.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite struct EverydayTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test(arguments: ["x.cairn", "x.safetensors", "x.npz", "x.gguf", "x.weights.h5"])
  func `Tensors of a dictionary go to a file of any format and come back`(file: String) throws {
    let (weight, bias) = (
      try Tensor([Float(1), 2, 3, 4, 5, 6], shape: [3, 2]), try Tensor([Float(7), 8])
    )
    let tensors = try NamedTensors(["weight": weight, "bias": bias])
    #expect(tensors.names == ["bias", "weight"])
    let path = folder.file(file)
    let written = try tensors.write(to: path)
    #expect(written == (try Data(contentsOf: URL(filePath: path)).count))
    let back = try NamedTensors(contentsOf: path)
    #expect(back.dictionary == ["weight": weight, "bias": bias])
    #expect(try compare(back.dictionary, tensors.dictionary).isSame)
    let opened = try CheckpointFile.open(path)
    #expect(try opened.tensor(named: "weight", slice: 1..<3) == weight.slice(1..<3))
    #expect(try opened.tensor(named: "bias") == bias)
    let error = #expect(throws: CairnError.self) { _ = try opened.tensor(named: "biass") }
    #expect(error?.code == .noSuchTensor && error?.location.file == path)
  }

  @Test func `Two spellings of a name are two tensors`() throws {
    let (one, other) = ("\u{E9}", "e\u{301}")
    var tensors = NamedTensors()
    try tensors.add(Tensor([Float(1)]), named: TensorName(one))
    try tensors.add(Tensor([Float(2)]), named: TensorName(other))
    #expect(tensors.dictionary.count == 2)
    #expect(try tensors.dictionary[TensorName(one)] == Tensor([Float(1)]))
  }

  @Test func `Tensors and metadata are literals`() throws {
    let one = try Tensor([Float(1)])
    var tensors: NamedTensors = ["b": one, "a": one]
    #expect(tensors.names == ["b", "a"])
    tensors.metadata = ["step": 3, "rate": 0.5, "done": true, "note": "first"]
    #expect(tensors.metadata["step"] == .int(3))
    #expect(tensors.metadata["rate"] == .float(0.5))
    #expect(tensors.metadata["done"] == .bool(true))
    #expect(tensors.metadata["note"] == .string("first"))
    let empty: NamedTensors = [:]
    #expect(empty.count == 0)
  }

  @Test func `A tensor is a literal of numbers in brackets`() throws {
    let matrix: Tensor = [[1, 2.5, -3], [4, 0.1, 1e30]]
    #expect(try matrix == Tensor([1, 2.5, -3, 4, 0.1, 1e30] as [Float], shape: [2, 3]))
    let vector: Tensor = [7, 8]
    #expect(try vector == Tensor([Float(7), 8]))
    let (none, rows): (Tensor, Tensor) = ([], [[], []])
    #expect(none.dtype == .float32 && none.shape == [0] && rows.shape == [2, 0])
    let tensors: NamedTensors = ["kernel": [[1, 2], [3, 4]], "bias": [0, 1]]
    #expect(try tensors.tensor(named: "kernel").element(at: [1, 0]) == Float(3))
    let model = try Sequential([InputLayer(shape: [2]), Dense(2)])
    try model.setWeights([[[1, 0], [0, 2]], [1, -1]])
    #expect(try model.predict([[3, 4]]) == [[4, 7]] as Tensor)
  }

  @Test func `Elements come from a span and go to it`() throws {
    let source = Data([1, 0, 254, 255, 3, 0])
    let tensor = try Tensor(dtype: .int16, shape: [3], bytes: source.bytes)
    #expect(try tensor.scalars() == [Int16(1), -2, 3])
    #expect(tensor.withBytes { $0.count + Int($0[2]) } == 6 + 254)
    let error = #expect(throws: CairnError.self) {
      _ = try Tensor(dtype: .bool, shape: [6], bytes: source.bytes)
    }
    #expect(error?.code == .invalidElement)
    #expect(throws: CairnError.self) {
      _ = try Tensor(dtype: .int16, shape: [4], bytes: source.bytes)
    }
  }

  @Test func `A URL is as good as a path, if it is a file's`() throws {
    let url = URL(filePath: folder.file("with blank é.cairn"))
    let tensors: NamedTensors = ["w": try Tensor([Float(1), 2])]
    try tensors.write(to: url)
    #expect(try NamedTensors(contentsOf: url).dictionary == tensors.dictionary)
    #expect(try compare(CheckpointFile.open(url), CheckpointFile.open(url)).isSame)
    let model = try Sequential([InputLayer(shape: [3]), Dense(2)])
    let file = URL(filePath: folder.file("model.cairn"))
    try model.save(to: file)
    let restored = try Model.load(from: file)
    #expect(try compare(model, restored).isSame)
    let remote = try #require(URL(string: "https://example.com/model.cairn"))
    let error = #expect(throws: CairnError.self) { _ = try CheckpointFile.open(remote) }
    #expect(error?.code == .invalidPath)
  }

  @Test func `Elements come from Data and go to it`() throws {
    let data = Data([0, 0, 128, 63, 0, 0, 0, 64])
    let tensor = try Tensor(dtype: .float32, shape: [2], data: data)
    #expect(try tensor.scalars() == [Float(1), 2])
    #expect(tensor.data == data)
    #expect(throws: CairnError.self) {
      _ = try Tensor(dtype: .float32, shape: [3], data: data)
    }
  }

  @Test func `An error reads well in an app, and names no options of a command`() throws {
    let path = folder.file("nothing.npz")
    try Data([1, 2, 3]).write(to: URL(filePath: path))
    var tensors: NamedTensors = ["w": try Tensor([Float(1)])]
    tensors.metadata = ["step": 3]
    let error = #expect(throws: CairnError.self) { try tensors.write(to: path) }
    let lost = try #require(error)
    #expect(lost.localizedDescription.contains("has no place for"))
    #expect(!lost.localizedDescription.contains("["))
    #expect((lost as any LocalizedError).recoverySuggestion?.contains("accept the loss") == true)
    #expect(!lost.description.contains("--"))
    #expect(lost.remedies == [.acceptLoss])
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
  }
}
