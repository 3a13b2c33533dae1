// The golden containers, salvaged: the valid ones whole, the invalid ones into valid files.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import Testing

@Suite struct GoldenSalvageTests {
  @Test(arguments: GoldenContainer.valid)
  func `All of a valid file is recovered`(file: GoldenContainer) throws {
    let bytes = try file.bytes()
    let container = try Container(MemoryBytes(bytes))
    // By the frames alone, too.
    for hasIndex in [true, false] {
      let salvaged = try salvage(hasIndex ? bytes : Array(bytes.dropLast()))
      #expect(salvaged.losses.allSatisfy { $0.kind == .region || $0.kind == .tail })
      #expect(salvaged.losses.isEmpty == hasIndex)
      #expect(try salvaged.recovered.entries() == container.entries())
      for index in 0..<container.count {
        #expect(try salvaged.recovered.tensor(at: index).bytes == container.tensor(at: index).bytes)
      }
      #expect(salvaged.recovered.metadata == container.metadata)
      #expect(salvaged.recovered.configuration == container.configuration)
      #expect(try salvaged.recovered.blobs == container.blobs)
    }
  }

  @Test(arguments: GoldenContainer.invalid)
  func `What is recovered of an invalid file is valid`(file: GoldenContainer) throws {
    let bytes = try file.bytes()
    let salvaged: Salvage
    do throws(CairnError) {
      var options = SalvageOptions()
      options.reading.threads = 1
      salvaged = try Salvage(MemoryBytes(bytes), options: options)
    } catch {
      #expect(error.code == .unsupportedVersion || error.code == .unsupportedFeature)
      return
    }
    let copy = try Container(Container.encode(salvaged.recovered))
    #expect(throws: Never.self) { try copy.verify(.deep) }
    #expect(copy.count == salvaged.recovered.count)
  }
}
