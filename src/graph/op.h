// The operations a network is made of, and their attributes: plain values, no arithmetic.
//
// Axis letters: C channels, H rows, W columns, F features. Shapes are per sample: [C, H, W] or [F].
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace sooner {

enum class OpKind : uint8_t {
  kInput,
  kConv2d,
  kLinear,
  kBatchNorm,
  kRelu,
  kMaxPool,
  kAvgPool,
  kMixedPool,
  kGlobalAvgPool,
  kAdd,
  kFlatten,
  kConcat,
  kLayerNorm,
  kClip,
  kHardSwish,
  kSlice,
  kChannelShuffle,
  kLocalResponseNorm,
  kLeakyRelu,
  kSigmoid,
  kHardSigmoid,
  kGelu,
  kMul,
  kPad,
};

// "conv2d", "batch_norm": the names used in files, configs and messages.
std::string_view to_string(OpKind kind);
// Throws kDataLoss for a name this version does not know.
OpKind op_kind_from_string(std::string_view name);

// Rows and columns may differ; padding may be asymmetric.
struct Conv2dAttributes {
  int64_t out_channels = 0;
  int64_t kernel_h = 1;
  int64_t kernel_w = 1;
  int64_t stride_h = 1;
  int64_t stride_w = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  int64_t pad_bottom = 0;
  int64_t pad_right = 0;
  int64_t dilation_h = 1;
  int64_t dilation_w = 1;
  int64_t groups = 1;
  bool bias = true;
  bool operator==(const Conv2dAttributes&) const = default;
};

struct LinearAttributes {
  int64_t out_features = 0;
  bool bias = true;
  bool operator==(const LinearAttributes&) const = default;
};

struct BatchNormAttributes {
  double epsilon = 1e-5;
  double momentum = 0.1;  // training only: running = (1 - momentum) * running + momentum * batch
  bool operator==(const BatchNormAttributes&) const = default;
};

// max_pool, avg_pool and mixed_pool (alpha * max + (1 - alpha) * avg, alpha learned).
// With ceil_mode the output extent is rounded up, but the last window must start inside the input or its
// leading padding (PyTorch's rule). Average pooling divides by the number of real (unpadded) elements unless
// count_include_pad. Every window holds a real element.
struct PoolAttributes {
  int64_t kernel_h = 2;
  int64_t kernel_w = 2;
  int64_t stride_h = 2;
  int64_t stride_w = 2;
  int64_t pad_h = 0;
  int64_t pad_w = 0;
  std::optional<int64_t> end_pad_h = {};  // behind the last row, where it is not pad_h; not with count_include_pad
  std::optional<int64_t> end_pad_w = {};
  bool ceil_mode = false;
  bool count_include_pad = false;
  bool operator==(const PoolAttributes&) const = default;
};

// Over the features of a vector: (x - mean) / sqrt(variance + epsilon), variance by division by F. No weights of its
// own: the linear layer behind it has them.
struct LayerNormAttributes {
  double epsilon = 1e-5;
  bool operator==(const LayerNormAttributes&) const = default;
};

// min(max(x, low), high); 0 and 6 are ReLU6.
struct ClipAttributes {
  double low = 0;
  double high = 6;
  bool operator==(const ClipAttributes&) const = default;
};

// x, or slope * x where x is below zero.
struct LeakyReluAttributes {
  double slope = 0.01;
  bool operator==(const LeakyReluAttributes&) const = default;
};

// min(max(alpha * x + beta, 0), 1); as they are, the gate of MobileNetV3.
struct HardSigmoidAttributes {
  double alpha = 1.0 / 6;
  double beta = 0.5;
  bool operator==(const HardSigmoidAttributes&) const = default;
};

// x * P(a standard normal number < x) = x / 2 * (1 + erf(x / sqrt 2)); with `tanh` its approximation
// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) (Hendrycks and Gimpel, 2016).
struct GeluAttributes {
  bool tanh = false;
  bool operator==(const GeluAttributes&) const = default;
};

// Rows and columns of zeros around a map.
struct PadAttributes {
  int64_t top = 0;
  int64_t left = 0;
  int64_t bottom = 0;
  int64_t right = 0;
  bool operator==(const PadAttributes&) const = default;
};

// Channels of a map, or features of a vector, from `begin` up to `end`.
struct SliceAttributes {
  int64_t begin = 0;
  int64_t end = 1;
  bool operator==(const SliceAttributes&) const = default;
};

// Channel i * groups + g of the result is channel g * C / groups + i (ShuffleNet).
struct ChannelShuffleAttributes {
  int64_t groups = 2;
  bool operator==(const ChannelShuffleAttributes&) const = default;
};

// x_c / (bias + alpha / size * sum x_j^2)^beta over `size` channels j around c, fewer at the ends (AlexNet).
struct LocalResponseNormAttributes {
  int64_t size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double bias = 1;
  bool operator==(const LocalResponseNormAttributes&) const = default;
};

// monostate for operations that have none.
using Attributes = std::variant<std::monostate, Conv2dAttributes, LinearAttributes, BatchNormAttributes, PoolAttributes,
                                LayerNormAttributes, ClipAttributes, SliceAttributes, ChannelShuffleAttributes,
                                LocalResponseNormAttributes, LeakyReluAttributes, HardSigmoidAttributes, GeluAttributes,
                                PadAttributes>;

}  // namespace sooner
