"""Networks that keras.applications lacks, layer by layer as torchvision has them, for tf2onnx to export.

Each function takes the module tf and the extent of square images, and returns a Keras model of logits for 1000 classes.
"""


class _Layers:
    """Keras layers with PyTorch's symmetric padding."""

    def __init__(self, tf):
        self.keras = tf.keras.layers

    def conv(self, x, channels, kernel, stride=1, padding=0, groups=1, bias=False):
        x = self.keras.ZeroPadding2D(padding)(x) if padding else x
        if groups == 1:
            return self.keras.Conv2D(channels, kernel, stride, use_bias=bias)(x)
        return self.keras.DepthwiseConv2D(kernel, stride, use_bias=bias)(x)

    def conv_norm(self, x, channels, kernel, stride=1, padding=0, groups=1, relu=True):
        x = self.keras.BatchNormalization(epsilon=1e-5)(self.conv(x, channels, kernel, stride, padding, groups))
        return self.keras.ReLU()(x) if relu else x

    def max_pool(self, x, kernel, stride, padding=0):
        # Behind a ReLU, so that zeros are as good as the least of numbers.
        x = self.keras.ZeroPadding2D(padding)(x) if padding else x
        return self.keras.MaxPooling2D(kernel, stride)(x)


def resnet18(tf, extent):
    layers, k = _Layers(tf), tf.keras.layers
    source = k.Input((extent, extent, 3))
    x = layers.max_pool(layers.conv_norm(source, 64, 7, 2, 3), 3, 2, 1)
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = layers.conv_norm(x, channels, 3, stride, 1)
            y = layers.conv_norm(y, channels, 3, 1, 1, relu=False)
            if stride == 2:
                x = layers.conv_norm(x, channels, 1, 2, relu=False)
            x = k.ReLU()(k.Add()([x, y]))
    return tf.keras.Model(source, k.Dense(1000)(k.GlobalAveragePooling2D()(x)))


def vgg11(tf, extent):
    layers, k = _Layers(tf), tf.keras.layers
    x = source = k.Input((extent, extent, 3))
    for channels in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
        if channels == "M":
            x = layers.max_pool(x, 2, 2)
        else:
            x = k.ReLU()(layers.conv(x, channels, 3, 1, 1, bias=True))
    x = k.Flatten()(x)
    for _ in range(2):
        x = k.Dropout(0.5)(k.Dense(4096, activation="relu")(x))
    return tf.keras.Model(source, k.Dense(1000)(x))


def squeezenet1_1(tf, extent):
    layers, k = _Layers(tf), tf.keras.layers
    source = k.Input((extent, extent, 3))
    x = k.ReLU()(layers.conv(source, 64, 3, 2, bias=True))
    # Pools of an even number of pixels round up in torchvision, which is a "same" padding here.
    pool = lambda x: k.MaxPooling2D(3, 2, padding="same" if x.shape[1] % 2 == 0 else "valid")(x)
    x = pool(x)
    for squeeze, expand, last in ((16, 64, False), (16, 64, True), (32, 128, False), (32, 128, True), (48, 192, False),
                                  (48, 192, False), (64, 256, False), (64, 256, False)):
        x = k.ReLU()(layers.conv(x, squeeze, 1, bias=True))
        left = k.ReLU()(layers.conv(x, expand, 1, bias=True))
        x = k.Concatenate()([left, k.ReLU()(layers.conv(x, expand, 3, 1, 1, bias=True))])
        x = pool(x) if last else x
    x = k.ReLU()(layers.conv(k.Dropout(0.5)(x), 1000, 1, bias=True))
    return tf.keras.Model(source, k.GlobalAveragePooling2D()(x))


def shufflenetv2(tf, extent):
    layers, k = _Layers(tf), tf.keras.layers
    source = k.Input((extent, extent, 3))
    x = layers.max_pool(layers.conv_norm(source, 24, 3, 2, 1), 3, 2, 1)

    def branch(x, half, stride):
        x = layers.conv_norm(x, half, 1)
        x = layers.conv_norm(x, half, 3, stride, 1, groups=half, relu=False)
        return layers.conv_norm(x, half, 1)

    def shuffled(x):
        height, width, channels = x.shape[1:]
        x = k.Permute((1, 2, 4, 3))(k.Reshape((height, width, 2, channels // 2))(x))
        return k.Reshape((height, width, channels))(x)

    for channels, repeats in ((116, 4), (232, 8), (464, 4)):
        half = channels // 2
        left = layers.conv_norm(x, x.shape[-1], 3, 2, 1, groups=x.shape[-1], relu=False)
        x = shuffled(k.Concatenate()([layers.conv_norm(left, half, 1), branch(x, half, 2)]))
        for _ in range(repeats - 1):
            left, right = x[..., :half], x[..., half:]
            x = shuffled(k.Concatenate()([left, branch(right, half, 1)]))
    x = layers.conv_norm(x, 1024, 1)
    return tf.keras.Model(source, k.Dense(1000)(k.GlobalAveragePooling2D()(x)))
