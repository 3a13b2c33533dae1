// The classes of this module, entered family by family.

import CairnSystem

extension LayerRegistry {
  /// All of them but the models.
  static let layers: LayerRegistry = {
    var registry = LayerRegistry()
    registry.registerCore()
    registry.registerConvolutions()
    registry.registerElementwise()
    registry.registerSequences()
    registry.registerOperations()
    return registry
  }()

  /// Enters classes that are made from their settings.
  private mutating func register<each L: MadeLayer>(_ types: repeat (each L).Type) {
    repeat enter(each types)
  }

  mutating func enter<L: MadeLayer>(_ type: L.Type) {
    register(type) { (reader, context) throws(CairnError) in
      try L(reading: &reader, in: &context)
    }
  }

  private mutating func registerCore() {
    register(
      InputLayer.self, Dense.self, Activation.self, Flatten.self, BatchNormalization.self,
      Embedding.self, ReversibleEmbedding.self, Masking.self, Reshape.self, Permute.self,
      RepeatVector.self, LayerNormalization.self, RMSNormalization.self, GroupNormalization.self,
      UnitNormalization.self, Normalization.self, Rescaling.self, Identity.self, EinsumDense.self)
  }

  private mutating func registerSequences() {
    register(
      Attention.self, MultiHeadAttention.self, GroupedQueryAttention.self, LSTM.self, GRU.self,
      SimpleRNN.self, Bidirectional.self, AdditiveAttention.self, ConvLSTM1D.self, ConvLSTM2D.self,
      ConvLSTM3D.self, RecurrentCell<LSTMRule>.self, RecurrentCell<GRURule>.self,
      RecurrentCell<SimpleRNNRule>.self, StackedCells.self, CellRecurrence.self,
      TimeDistributed.self)
  }

  private mutating func registerConvolutions() {
    register(
      Conv1D.self, Conv2D.self, Conv3D.self, DepthwiseConv1D.self, DepthwiseConv2D.self,
      SeparableConv1D.self, SeparableConv2D.self, Conv1DTranspose.self, Conv2DTranspose.self,
      Conv3DTranspose.self, MaxPooling1D.self, MaxPooling2D.self, MaxPooling3D.self,
      AveragePooling1D.self, AveragePooling2D.self, AveragePooling3D.self, GlobalMaxPooling1D.self,
      GlobalMaxPooling2D.self, GlobalMaxPooling3D.self, GlobalAveragePooling1D.self,
      GlobalAveragePooling2D.self, GlobalAveragePooling3D.self, ZeroPadding1D.self,
      ZeroPadding2D.self, ZeroPadding3D.self, Cropping1D.self, Cropping2D.self, Cropping3D.self,
      UpSampling1D.self, UpSampling2D.self, UpSampling3D.self, Resizing.self, CategoryEncoding.self,
      Discretization.self, IntegerLookup.self, StringLookup.self, TextVectorization.self,
      Hashing.self, HashedCrossing.self, LayerScale.self, CustomScaleLayer.self, CenterCrop.self,
      RandomCrop.self, AdaptiveMaxPooling1D.self, AdaptiveMaxPooling2D.self,
      AdaptiveMaxPooling3D.self, AdaptiveAveragePooling1D.self, AdaptiveAveragePooling2D.self,
      AdaptiveAveragePooling3D.self)
    for name in TrainingOnlyLayer.classNames {
      register(TrainingOnlyLayer.self, named: name) { (reader, _) throws(CairnError) in
        try TrainingOnlyLayer(name, reading: &reader)
      }
    }
  }

  private mutating func registerElementwise() {
    register(
      ReLU.self, LeakyReLU.self, PReLU.self, ELU.self, Softmax.self, Add.self, Subtract.self,
      Multiply.self, Average.self, Maximum.self, Minimum.self, Concatenate.self, Dot.self,
      ActivityRegularization.self, Dropout.self, GaussianNoise.self, GaussianDropout.self,
      AlphaDropout.self, SpatialDropout1D.self, SpatialDropout2D.self, SpatialDropout3D.self)
  }

  private mutating func registerOperations() {
    for kind in OperationKind.all {
      register(TensorOperation.self, named: kind.registryName) { (reader, _) throws(CairnError) in
        try TensorOperation(kind, reading: &reader)
      }
    }
  }
}
