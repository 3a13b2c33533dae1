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

  /// Enters a class that is made from its settings alone.
  mutating func register<L: ConfiguredLayer>(_ type: L.Type) {
    register(type) { (reader, _) throws(CairnError) in try L(reading: &reader) }
  }

  /// Enters a class that needs a seed.
  mutating func register<L: SeededLayer>(seeded type: L.Type) {
    register(type) { (reader, context) throws(CairnError) in
      try L(reading: &reader, in: &context.build)
    }
  }

  /// Enters a class that holds others.
  mutating func register<L: EnclosingLayer>(enclosing type: L.Type) {
    register(type) { (reader, context) throws(CairnError) in
      try L(reading: &reader, in: &context)
    }
  }

  mutating func registerCore() {
    register(InputLayer.self)
    register(Dense.self)
    register(Activation.self)
    register(Flatten.self)
    register(BatchNormalization.self)
    register(Embedding.self)
    register(ReversibleEmbedding.self)
    register(Masking.self)
    register(Reshape.self)
    register(Permute.self)
    register(RepeatVector.self)
    register(LayerNormalization.self)
    register(RMSNormalization.self)
    register(GroupNormalization.self)
    register(UnitNormalization.self)
    register(Normalization.self)
    register(Rescaling.self)
    register(Identity.self)
    register(EinsumDense.self)
  }

  mutating func registerSequences() {
    register(seeded: Attention.self)
    register(seeded: MultiHeadAttention.self)
    register(seeded: GroupedQueryAttention.self)
    register(seeded: LSTM.self)
    register(seeded: GRU.self)
    register(seeded: SimpleRNN.self)
    register(enclosing: Bidirectional.self)
    register(seeded: AdditiveAttention.self)
    register(seeded: ConvLSTM1D.self)
    register(seeded: ConvLSTM2D.self)
    register(seeded: ConvLSTM3D.self)
    register(seeded: RecurrentCell<LSTMRule>.self)
    register(seeded: RecurrentCell<GRURule>.self)
    register(seeded: RecurrentCell<SimpleRNNRule>.self)
    register(enclosing: StackedCells.self)
    register(enclosing: CellRecurrence.self)
    register(enclosing: TimeDistributed.self)
  }

  mutating func registerConvolutions() {
    register(Conv1D.self)
    register(Conv2D.self)
    register(Conv3D.self)
    register(DepthwiseConv1D.self)
    register(DepthwiseConv2D.self)
    register(SeparableConv1D.self)
    register(SeparableConv2D.self)
    register(Conv1DTranspose.self)
    register(Conv2DTranspose.self)
    register(Conv3DTranspose.self)
    register(MaxPooling1D.self)
    register(MaxPooling2D.self)
    register(MaxPooling3D.self)
    register(AveragePooling1D.self)
    register(AveragePooling2D.self)
    register(AveragePooling3D.self)
    register(GlobalMaxPooling1D.self)
    register(GlobalMaxPooling2D.self)
    register(GlobalMaxPooling3D.self)
    register(GlobalAveragePooling1D.self)
    register(GlobalAveragePooling2D.self)
    register(GlobalAveragePooling3D.self)
    register(ZeroPadding1D.self)
    register(ZeroPadding2D.self)
    register(ZeroPadding3D.self)
    register(Cropping1D.self)
    register(Cropping2D.self)
    register(Cropping3D.self)
    register(UpSampling1D.self)
    register(UpSampling2D.self)
    register(UpSampling3D.self)
    register(Resizing.self)
    register(CategoryEncoding.self)
    register(Discretization.self)
    register(seeded: IntegerLookup.self)
    register(seeded: StringLookup.self)
    register(seeded: TextVectorization.self)
    register(Hashing.self)
    register(HashedCrossing.self)
    register(LayerScale.self)
    register(CustomScaleLayer.self)
    register(CenterCrop.self)
    register(RandomCrop.self)
    register(AdaptiveMaxPooling1D.self)
    register(AdaptiveMaxPooling2D.self)
    register(AdaptiveMaxPooling3D.self)
    register(AdaptiveAveragePooling1D.self)
    register(AdaptiveAveragePooling2D.self)
    register(AdaptiveAveragePooling3D.self)
    for name in TrainingOnlyLayer.classNames {
      register(TrainingOnlyLayer.self, named: name) { (reader, _) throws(CairnError) in
        try TrainingOnlyLayer(name, reading: &reader)
      }
    }
  }

  mutating func registerElementwise() {
    register(ReLU.self)
    register(LeakyReLU.self)
    register(PReLU.self)
    register(ELU.self)
    register(Softmax.self)
    register(Add.self)
    register(Subtract.self)
    register(Multiply.self)
    register(Average.self)
    register(Maximum.self)
    register(Minimum.self)
    register(Concatenate.self)
    register(Dot.self)
    register(ActivityRegularization.self)
    register(seeded: Dropout.self)
    register(seeded: GaussianNoise.self)
    register(seeded: GaussianDropout.self)
    register(seeded: AlphaDropout.self)
    register(seeded: SpatialDropout1D.self)
    register(seeded: SpatialDropout2D.self)
    register(seeded: SpatialDropout3D.self)
  }

  mutating func registerOperations() {
    for kind in OperationKind.all {
      register(TensorOperation.self, named: kind.registryName) { (reader, _) throws(CairnError) in
        try TensorOperation(kind, reading: &reader)
      }
    }
  }
}
