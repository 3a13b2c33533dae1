// A model that holds a transformer's matrices, for copies of models: layers of the kinds that Cairn
// has, with kernels of the same sizes as the data set's.

import Cairn

enum LayerChain {
  /// A model of dense layers without activation, each with one of the source's float32 matrices as
  /// its kernel. Matrices follow on each other where one's output is as wide as the next one's
  /// input; those that fit nowhere are left out.
  static func model(of source: some TensorSource) throws(CairnError) -> Sequential {
    var matrices: [Tensor] = []
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      if entry.dtype == .float32, entry.shape.rank == 2 {
        matrices.append(try source.tensor(at: index))
      }
    }
    // The largest first: in a transformer the embedding, whose rows are as wide as the layers.
    // Then the square ones, which leave the width as it is.
    matrices.sort { $0.byteCount > $1.byteCount }
    if let embedding = matrices.first {
      let others = matrices.dropFirst()
      let isSquare = { (matrix: Tensor) in matrix.shape[0] == matrix.shape[1] }
      matrices = [embedding] + others.filter(isSquare) + others.filter { !isSquare($0) }
    }
    guard let first = matrices.first else {
      throw CairnError(.invalidArgument, "the data set has no float32 matrix")
    }
    var layers: [any Layer] = [try InputLayer(shape: [first.shape[0]])]
    var kernels: [Tensor] = []
    var width = first.shape[0]
    while let (position, kernel) = try next(of: matrices, from: width) {
      matrices.remove(at: position)
      width = kernel.shape[1]
      layers.append(try Dense(width, usesBias: false, kernelInitializer: .zeros))
      kernels.append(kernel)
    }
    let model = try Sequential(layers)
    try model.setWeights(kernels)
    return model
  }

  /// The first matrix that takes `width` inputs, as it is or in the other shape with the same
  /// elements.
  private static func next(
    of matrices: [Tensor], from width: Int
  ) throws(CairnError) -> (position: Int, kernel: Tensor)? {
    for (position, matrix) in matrices.enumerated() {
      if matrix.shape[0] == width { return (position, matrix) }
      if matrix.shape[1] == width {
        return (position, try matrix.reshaped(to: Shape([width, matrix.shape[0]])))
      }
    }
    return nil
  }
}
