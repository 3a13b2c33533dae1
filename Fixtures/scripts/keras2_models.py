"""Models of Keras 2 of all the kinds that its files spell in their own way: each a name, a function that
builds it, the shapes of its inputs (`integers`: the bound of whole numbers), and the form of its fixture.

Used by make_keras2.py, for the fixtures in Fixtures/keras/older and for Tests/Keras2, which has all of them.
"""
import tensorflow as tf
from tensorflow import keras

layers = keras.layers
K2 = []


def model(*shapes, fixture=None, integers=None):
    def keep(build):
        K2.append((build.__name__, build, shapes, fixture, integers))
        return build

    return keep


@model((4,), fixture="keras")
def dense():
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="relu"),
                             layers.Dense(3, activation="softmax")])


@model((4,), fixture="h5")
def functional_dense():
    x = inputs = layers.Input((4,))
    x = layers.Dense(3, activation="tanh")(x)
    return keras.Model(inputs, layers.Dense(2)(x))


@model((4,), fixture="keras")
def hard_sigmoid():
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="hard_sigmoid"),
                             layers.Activation("hard_sigmoid"), layers.Dense(2)])


@model((5, 3))
def hard_sigmoid_lstm():
    return keras.Sequential([layers.Input((5, 3)),
                             layers.LSTM(4, recurrent_activation="hard_sigmoid")])


@model((4,), fixture="h5")
def transfer():
    i = layers.Input((4,))
    base = keras.Model(i, layers.BatchNormalization()(layers.Dense(4)(i)), name="base")
    base.trainable = False
    x = layers.Input((4,))
    return keras.Model(x, layers.Dense(2)(base(x, training=False)))


@model((4,))
def transfer_sequential():
    base = keras.Sequential([layers.Input((4,)), layers.Dense(4), layers.ReLU()], name="base")
    x = layers.Input((4,))
    return keras.Model(x, layers.Dense(2)(base(x)))


@model((4,))
def deferred_sequential():
    base = keras.Sequential([layers.Dense(4), layers.ReLU()], name="deferred")
    x = layers.Input((4,))
    return keras.Model(x, layers.Dense(2)(base(x)))


@model((4,), (4,), fixture="keras")
def siamese():
    base = keras.Sequential([layers.Input((4,)), layers.Dense(4, activation="relu")])
    a, b = layers.Input((4,)), layers.Input((4,))
    return keras.Model([a, b], layers.Subtract()([base(a), base(b)]))


@model((4,))
def siamese_functional():
    i = layers.Input((4,))
    base = keras.Model(i, layers.Dense(4)(i), name="base")
    x = layers.Input((4,))
    one, two = base(x), base(base(x))
    return keras.Model(x, [layers.Add()([one, two]), base(two)])


@model((4,))
def nested_twice():
    i = layers.Input((4,))
    inner = keras.Model(i, layers.Dense(4)(i), name="inner")
    j = layers.Input((4,))
    middle = keras.Model(j, layers.Add()([inner(j), inner(inner(j))]), name="middle")
    x = layers.Input((4,))
    return keras.Model(x, middle(middle(x)))


@model((8, 8, 3))
def convolutions():
    x = inputs = layers.Input((8, 8, 3))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    x = layers.BatchNormalization(axis=-1)(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(6, 3, groups=2)(x)
    x = layers.Cropping2D(1)(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


@model((6, 2), fixture="h5")
def one_dimension():
    return keras.Sequential([
        layers.Input((6, 2)), layers.DepthwiseConv1D(2), layers.SeparableConv1D(3, 2),
        layers.Conv1DTranspose(2, 3), layers.Conv1D(2, 2, padding="causal"),
        layers.AveragePooling1D(2), layers.Flatten()])


@model((4, 4, 1), fixture="keras")
def conv2d_transpose():
    return keras.Sequential([layers.Input((4, 4, 1)), layers.Conv2DTranspose(2, 3, strides=2),
                             layers.LeakyReLU(0.1), layers.Conv2DTranspose(1, 2)])


@model((3, 3, 3, 2))
def three_dimensions():
    return keras.Sequential([
        layers.Input((3, 3, 3, 2)), layers.Conv3D(2, 2), layers.Conv3DTranspose(3, 2),
        layers.GlobalMaxPooling3D()])


@model((5, 3))
def recurrent():
    x = inputs = layers.Input((5, 3))
    x = layers.GRU(4, return_sequences=True)(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    return keras.Model(inputs, layers.SimpleRNN(4)(x))


@model((3, 2), (4,), (4,), fixture="h5")
def initial_state():
    x, h, c = layers.Input((3, 2)), layers.Input((4,)), layers.Input((4,))
    return keras.Model([x, h, c], layers.LSTM(4)(x, initial_state=[h, c]))


@model((4, 3), (5, 3))
def encoder_decoder():
    a, b = layers.Input((4, 3)), layers.Input((5, 3))
    _, h, c = layers.LSTM(4, return_state=True)(a)
    y = layers.LSTM(4, return_sequences=True)(b, initial_state=[h, c])
    return keras.Model([a, b], layers.Dense(3, activation="softmax")(y))


@model((6,), integers=20)
def embedding_mask():
    return keras.Sequential([
        layers.Embedding(20, 4, mask_zero=True, input_length=6), layers.LSTM(3),
        layers.Dense(2)])


@model((5, 8), fixture="keras")
def attention_heads():
    x = inputs = layers.Input((5, 8))
    y = layers.MultiHeadAttention(2, 4)(x, x)
    return keras.Model(inputs, layers.LayerNormalization()(layers.Add()([x, y])))


@model((5, 8), (4, 8))
def attention_cross():
    a, b = layers.Input((5, 8)), layers.Input((4, 8))
    y = layers.MultiHeadAttention(2, 4)(query=a, value=b, key=b)
    z = layers.Attention(use_scale=True)([a, b])
    return keras.Model([a, b], [layers.Add()([a, y]), z])


@model((3,), fixture="keras")
def mixed_bfloat16():
    return keras.Sequential([layers.Input((3,)), layers.Dense(4, dtype="mixed_bfloat16"),
                             layers.Activation("linear", dtype="float32")])


@model((3,), fixture="h5")
def slash_in_name():
    x = inputs = layers.Input((3,))
    x = layers.Dense(4, name="block/one")(x)
    return keras.Model(inputs, layers.Dense(2, name="block/one/two")(x))


@model((4, 3), fixture="keras")
def operations():
    x = inputs = layers.Input((4, 3))
    y = layers.Dense(3)(x)
    y = tf.nn.relu(x + y) * 2.0 - 1.0
    y = tf.math.sqrt(tf.math.abs(y) + 1.0) / 3.0
    y = tf.concat([x, -y], axis=-1)
    return keras.Model(inputs, tf.reduce_mean(y, axis=1))


@model((4, 3), fixture="h5")
def slices():
    x = inputs = layers.Input((4, 3))
    y = layers.Dense(3)(x)
    return keras.Model(inputs, [y[:, 0], y[:, 1:3, ::2], y[:, :, -1]])


@model((4, 3))
def slice_with_ellipsis():
    x = inputs = layers.Input((4, 3))
    return keras.Model(inputs, layers.Dense(2)(x[..., :2]))


@model((4, 3), (4, 3))
def reversed_operands():
    a, b = layers.Input((4, 3)), layers.Input((4, 3))
    x = 1.0 - tf.math.l2_normalize(a, axis=-1)
    y = tf.stack([x, tf.where(b > 0.5, a, b)], axis=1)
    y = tf.pad(y, [[0, 0], [0, 0], [1, 0], [0, 0]])
    one, two = tf.split(y, 2, axis=1)
    return keras.Model([a, b], tf.reduce_sum(one * tf.tile(two, [1, 1, 1, 1]), axis=[1, 3]))


@model((4, 3))
def more_operations():
    x = inputs = layers.Input((4, 3))
    y = tf.reshape(x, (-1, 3, 4))
    y = tf.transpose(y, [0, 2, 1])
    y = tf.matmul(x, y, transpose_b=True)
    y = tf.expand_dims(tf.math.reduce_max(y, axis=-1), -1)
    y = tf.maximum(y, 0.1) ** 2.0
    y = tf.clip_by_value(tf.exp(-y), 0.05, 0.9)
    return keras.Model(inputs, tf.squeeze(tf.sigmoid(y) + tf.math.log(y), axis=2))


@model((4,), (3,))
def several_ports():
    a, b = layers.Input((4,), name="a"), layers.Input((3,), name="b")
    x = layers.Concatenate()([layers.Dense(3)(a), b])
    return keras.Model([a, b], [layers.Dense(2, name="one")(x), layers.Dot(1)([b, b])])


@model((4, 4, 2))
def other_layers():
    x = inputs = layers.Input((4, 4, 2))
    x = layers.Rescaling(0.5, 0.1)(x)
    x = layers.PReLU()(x)
    x = layers.Permute((3, 1, 2))(x)
    x = layers.Reshape((8, 4))(x)
    x = layers.UnitNormalization()(layers.Dropout(0.3)(x))
    x = layers.GroupNormalization(2)(layers.ELU(0.5)(x))
    x = layers.ThresholdedReLU(0.1)(x)
    return keras.Model(inputs, layers.GlobalMaxPooling1D()(layers.Softmax()(x)))


@model((4,))
def activations():
    x = inputs = layers.Input((4,))
    names = ["elu", "selu", "softplus", "softsign", "swish", "gelu", "exponential", "mish",
             "sigmoid", "relu"]
    outputs = [layers.Dense(2, activation=name)(x) for name in names]
    return keras.Model(inputs, layers.Average()(outputs))


@model((4,))
def frozen_and_trained():
    built = keras.Sequential([layers.Input((4,)), layers.Dense(4), layers.Dense(2)])
    built.layers[0].trainable = False
    built.compile("adam", "mse")
    built.fit(tf.ones((4, 4)), tf.ones((4, 2)), verbose=0)
    built.layers[0].trainable = True
    return built


@model((4,))
def trained():
    built = keras.Sequential([layers.Input((4,)), layers.Dense(4, "relu"), layers.Dense(2)])
    built.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
    built.fit(tf.ones((4, 4)), tf.ones((4, 2)), verbose=0)
    return built
