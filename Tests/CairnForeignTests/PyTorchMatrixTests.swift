// Everything that torch.load(weights_only=True) allows: what Cairn reads is what PyTorch reads. The files
// and the expectations are made by Fixtures/scripts/make_torch_matrix.py, which holds them against
// PyTorch's own list.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct PyTorchMatrixTests {
  static let fixtures = FormatFixture.all("torch_matrix")

  @Test(arguments: fixtures)
  func `Everything else is among the metadata, and nothing is opaque`(
    fixture: FormatFixture
  ) throws {
    let file = try CheckpointFile.open(fixture.path)
    #expect(file.opaqueItems.isEmpty)
    var found: [String: JSONValue] = [:]
    for (key, value) in file.source.metadata { found[key.string] = value.json() }
    for (key, value) in fixture.metadata {
      #expect(found[key] == value, "\(key)")
      found[key] = nil
    }
    #expect(found.isEmpty, "\(found)")
  }
}
