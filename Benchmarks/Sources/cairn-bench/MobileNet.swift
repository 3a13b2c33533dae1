// A model of MobileNet's layers (Howard and others, 2017; Keras `applications/mobilenet.py`), with
// weights of a seed: how long a forward pass takes does not depend on their values.

import Cairn

enum MobileNet {
  /// Filters and strides of the thirteen separable blocks.
  private static let blocks = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1),
    (512, 1), (512, 1), (1024, 2), (1024, 1),
  ]

  /// The model for pictures of 224 by 224, with 4,253,864 parameters as in Keras.
  static func model() throws(CairnError) -> Sequential {
    var layers: [any Layer] = [
      try InputLayer(shape: [224, 224, 3]),
      try Conv2D(32, kernelSize: 3, strides: 2, padding: .same, usesBias: false),
    ]
    layers += try normalized()
    for (filters, stride) in blocks {
      layers.append(
        try DepthwiseConv2D(
          kernelSize: 3, strides: Extents([stride]), padding: .same, usesBias: false))
      layers += try normalized()
      layers.append(try Conv2D(filters, kernelSize: 1, usesBias: false))
      layers += try normalized()
    }
    layers += [try GlobalAveragePooling2D(), try Dense(1000, activation: .softmax)]
    return try Sequential(layers, name: "mobilenet", seed: 1)
  }

  private static func normalized() throws(CairnError) -> [any Layer] {
    [try BatchNormalization(), try ReLU(maximum: 6)]
  }

  /// Noise instead of pictures.
  static func pictures(_ count: Int) throws(CairnError) -> Tensor {
    try Prediction.noise([count, 224, 224, 3])
  }
}
