// Every row of Fixtures/keras/layers against what Keras computed, and the table of it.

import CairnDemo
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("Keras's layers, option by option")
struct KerasLayerRowTests {
  @Test("All golden rows are there")
  func rowsAreThere() throws {
    let rows = try LayerRow.classes.flatMap { try LayerRow.read($0) }
    #expect(rows.count == 641)
    #expect(Set(rows.map(\.className)) == Set(LayerRow.classes))
  }

  @Test("A layer of Keras's configuration has that configuration", arguments: LayerRow.all)
  func configurationRoundTrips(_ row: LayerRow) throws {
    let layer = try row.layer()
    #expect(layer.kerasConfiguration == row.configuration)
  }

  @Test(
    "Weights come in Keras's order, with Keras's paths, shapes and flags", arguments: LayerRow.all)
  func weightsAreInOrder(_ row: LayerRow) throws {
    let layer = try row.layer()
    #expect(layer.weights.map(\.shape) == row.weights.map(\.value.shape))
    #expect(layer.weights.map(\.dtype) == row.weights.map(\.value.dtype))
    #expect(layer.weights.map(\.trainable) == row.weights.map(\.isTrainable))
    #expect(
      layer.places(.weights).map { $0.path.joined(separator: "/") } == row.weights.map(\.path))
  }

  @Test("Shapes and types are known before anything is computed", arguments: LayerRow.all)
  func shapesAreKnown(_ row: LayerRow) throws {
    let layer = try row.layer()
    let specs = try layer.outputSpecs(for: row.arguments.specs())
    #expect(specs.map(\.dtype) == row.outputs.map(\.tensor.dtype))
    for (spec, output) in zip(specs, row.outputs) {
      #expect(spec.shape.isCompatible(with: BatchShape(output.tensor.shape)))
    }
  }

  @Test("What comes out is Keras's, within the type's tolerance", arguments: LayerRow.all)
  func outputsMatch(_ row: LayerRow) throws {
    let found = try row.call()
    #expect(found.map(\.tensor.shape) == row.outputs.map(\.tensor.shape))
    #expect(found.map(\.tensor.dtype) == row.outputs.map(\.tensor.dtype))
    #expect(found.map(\.mask) == row.outputs.map(\.mask))
    #expect(try row.error(of: found) <= row.tolerance)
  }

  @Test("There are rows in float64 of every class, and none of them lets float32 pass")
  func doublesAreDemanding() throws {
    let rows = LayerRow.all.filter { $0.outputs.first?.tensor.dtype == .float64 }
    #expect(Set(rows.map(\.className)) == Set(LayerRow.classes))
    for row in rows {
      let narrow = try row.outputs.map {
        MaskedTensor(try $0.tensor.cast(to: .float32).cast(to: .float64), mask: $0.mask)
      }
      #expect(try row.error(of: narrow) > row.tolerance, "\(row.name)")
    }
  }

  @Test("The table: layer, options, largest error")
  func table() throws {
    var lines: [String] = []
    for row in LayerRow.all {
      let error = try row.error(of: row.call())
      #expect(error <= row.tolerance)
      lines.append("\(row.name)\t\(error)\t\(row.tolerance)")
    }
    // CAIRN_LAYER_TABLE names a file for the table.
    if let path = ProcessInfo.processInfo.environment["CAIRN_LAYER_TABLE"] {
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
    }
  }
}

extension CallArguments<MaskedTensor> {
  /// The arguments' shapes and types.
  func specs() -> CallArguments<TensorSpec> {
    func spec(_ argument: CallArgument<MaskedTensor>) -> CallArgument<TensorSpec> {
      switch argument {
      case .tensor(let value):
        .tensor(TensorSpec(BatchShape(value.tensor.shape), dtype: value.tensor.dtype))
      case .list(let elements): .list(elements.map(spec))
      case .value(let value): .value(value)
      }
    }
    return CallArguments<TensorSpec>(
      positional.map(spec), named: named.map { ($0.name, spec($0.argument)) })
  }
}
