#include "check/tolerance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "backend/common/weights.h"
#include "core/error.h"
#include "graph/parameters.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"

namespace sooner {
namespace {

// Over seeded networks of up to 56 layers and trained ones, in fp32 and bf16, no number was further apart than 0.7
// deviations: the growth of errors is overestimated. Five leave room for weights that are less kind.
constexpr double kSigmas = 5;
// In int8 the pixels of an even background share one rounding, and small numbers all become zero: errors add up that
// are taken to be independent. Trained networks on MNIST, Fashion-MNIST and CIFAR-10 came to 6.0 deviations.
constexpr double kSigmasInt8 = 10;

constexpr double kUnitF32 = 0x1p-24;
constexpr double kUnitBF16 = 0x1p-8;
// int8 weights run to 127, or 63 on processors without VNNI.
constexpr double kLargestWeight = 63;

// The variance of rounding to whole steps.
double step_variance(double step) { return step * step / 12; }

struct Uncertain {
  std::vector<double> value;
  std::vector<double> variance;
  explicit Uncertain(size_t size) : value(size), variance(size) {}
};

// Sums a row of products and what their errors add up to.
class ProductSum {
 public:
  void add(double w, double x, double variance) {
    value_ += w * x;
    squares_ += w * x * w * x;
    inputs_ += x * x;
    passed_on_ += w * w * variance;
    ++count_;
  }
  // Every product stands for a rounded weight and a folded scale.
  // `weight_step` is that of int8 weights, 0 for others.
  void store(double bias, double unit_weight, double weight_step, Uncertain& dst, size_t at) const {
    dst.value[at] = value_ + bias;
    dst.variance[at] = passed_on_ + step_variance(weight_step) * inputs_ + unit_weight * unit_weight * squares_ +
                       kUnitF32 * kUnitF32 * (static_cast<double>(count_) * (squares_ + value_ * value_) + bias * bias);
  }

 private:
  double value_ = 0, squares_ = 0, inputs_ = 0, passed_on_ = 0;
  int64_t count_ = 0;
};

class Propagation {
 public:
  Propagation(const Graph& graph, const TensorMap& tensors, Precision precision, const Quantisation* quantisation)
      : graph_(graph),
        shapes_(infer_shapes(graph)),
        weights_(graph, tensors),
        sigmas_(precision == Precision::kInt8 ? kSigmasInt8 : kSigmas),
        unit_map_(precision == Precision::kBF16 ? kUnitBF16 : kUnitF32),
        quantisation_(precision == Precision::kInt8 ? quantisation : nullptr) {}

  void run(std::span<const float> image) {
    for (size_t id = 0; id < graph_.nodes.size(); ++id) {
      const Node& node = graph_.nodes[id];
      Uncertain dst(static_cast<size_t>(element_count(shapes_[id])));
      if (node.op == OpKind::kInput) {
        std::copy(image.begin(), image.end(), dst.value.begin());
      } else {
        compute(node, shapes_[id], dst);
      }
      round_stored(node, shapes_[id], dst);
      values_.push_back(std::move(dst));
    }
  }

  [[nodiscard]] LogitTolerance tolerance() const {
    LogitTolerance result;
    for (size_t k = 0; k < graph_.exits(); ++k) {
      const Exit& exit = graph_.stages[k].exit;
      double largest = 0;
      for (const double variance : at(exit.logits).variance) {
        result.logits.push_back(sigmas_ * std::sqrt(variance));
        largest = std::max(largest, variance);
      }
      if (k + 1 < graph_.exits()) result.gate_logits.push_back(exit.gate ? gate_bound(k, std::sqrt(largest)) : 0);
    }
    return result;
  }

 private:
  [[nodiscard]] const Uncertain& at(NodeId id) const { return values_[static_cast<size_t>(id)]; }

  void compute(const Node& node, const Shape& dst_shape, Uncertain& dst) const {
    const Uncertain& src = at(node.inputs[0]);
    const Shape& src_shape = shapes_[static_cast<size_t>(node.inputs[0])];
    switch (node.op) {
      case OpKind::kConv2d:
        return conv2d(node, src_shape, src, dst_shape, dst);
      case OpKind::kLinear:
        return linear(node, src, dst);
      case OpKind::kBatchNorm:
        return batch_norm(node, src_shape, src, dst);
      case OpKind::kMaxPool:
        return pool(node, 1, src_shape, src, dst_shape, dst);
      case OpKind::kAvgPool:
        return pool(node, 0, src_shape, src, dst_shape, dst);
      case OpKind::kMixedPool:
        return pool(node, weights_.get(node.name + ".alpha")[0], src_shape, src, dst_shape, dst);
      case OpKind::kGlobalAvgPool:
        return mean(src_shape, src, dst);
      case OpKind::kAdd: {
        const Uncertain& other = at(node.inputs[1]);
        for (size_t i = 0; i < dst.value.size(); ++i) {
          dst.value[i] = src.value[i] + other.value[i];
          dst.variance[i] = src.variance[i] + other.variance[i];
        }
        return;
      }
      case OpKind::kRelu:
        for (size_t i = 0; i < dst.value.size(); ++i) {
          dst.value[i] = std::max(0.0, src.value[i]);
          // Below zero by many deviations, nothing gets through.
          dst.variance[i] = src.value[i] < -sigmas_ * std::sqrt(src.variance[i]) ? 0 : src.variance[i];
        }
        return;
      case OpKind::kFlatten:
        dst = src;
        return;
      case OpKind::kConcat:
        return concat(node, dst);
      case OpKind::kClip: {
        const auto& a = std::get<ClipAttributes>(node.attributes);
        for (size_t i = 0; i < dst.value.size(); ++i) {
          dst.value[i] = std::clamp(src.value[i], a.low, a.high);
          // Beyond a bound by many deviations, nothing gets through.
          const double reach = sigmas_ * std::sqrt(src.variance[i]);
          const bool passes = src.value[i] + reach >= a.low && src.value[i] - reach <= a.high;
          dst.variance[i] = passes ? src.variance[i] : 0;
        }
        return;
      }
      case OpKind::kHardSwish:
        for (size_t i = 0; i < dst.value.size(); ++i) {
          const double x = src.value[i];
          dst.value[i] = x * std::clamp(x + 3, 0.0, 6.0) / 6;
          // Its slope is nowhere more.
          dst.variance[i] = x + sigmas_ * std::sqrt(src.variance[i]) < -3 ? 0 : 2.25 * src.variance[i];
        }
        return;
      case OpKind::kLeakyRelu: {
        const double slope = std::get<LeakyReluAttributes>(node.attributes).slope;
        for (size_t i = 0; i < dst.value.size(); ++i) {
          const double x = src.value[i], reach = sigmas_ * std::sqrt(src.variance[i]);
          dst.value[i] = x < 0 ? slope * x : x;
          // Around zero either slope may be the one that counts.
          const double steepest = std::max(x + reach < 0 ? 0.0 : 1.0, x - reach > 0 ? 0.0 : std::abs(slope));
          dst.variance[i] = steepest * steepest * src.variance[i];
        }
        return;
      }
      case OpKind::kSigmoid:
      case OpKind::kHardSigmoid:
      case OpKind::kGelu:
        return squash(node, src, dst);
      case OpKind::kMul:
        return mul(src, at(node.inputs[1]), dst);
      case OpKind::kPad:
        return pad(std::get<PadAttributes>(node.attributes), src_shape, src, dst_shape, dst);
      case OpKind::kSlice:
      case OpKind::kChannelShuffle:
        return move_channels(node, src_shape, src, dst);
      case OpKind::kLocalResponseNorm:
        return response_norm(std::get<LocalResponseNormAttributes>(node.attributes), src_shape, src, dst);
      case OpKind::kLayerNorm:
        return layer_norm(std::get<LayerNormAttributes>(node.attributes).epsilon, src, dst);
      case OpKind::kInput:
        SOONER_ASSERT(false);
    }
  }

  void concat(const Node& node, Uncertain& dst) const {
    size_t to = 0;
    for (const NodeId input : node.inputs) {
      const Uncertain& part = at(input);
      std::ranges::copy(part.value, dst.value.begin() + static_cast<std::ptrdiff_t>(to));
      std::ranges::copy(part.variance, dst.variance.begin() + static_cast<std::ptrdiff_t>(to));
      to += part.value.size();
    }
  }

  // Each with the steepest slope it has anywhere, and what its own arithmetic rounds off.
  void squash(const Node& node, const Uncertain& src, Uncertain& dst) const {
    const auto* hard = std::get_if<HardSigmoidAttributes>(&node.attributes);
    const auto* gelu = std::get_if<GeluAttributes>(&node.attributes);
    for (size_t i = 0; i < dst.value.size(); ++i) {
      const double x = src.value[i];
      double slope = 0.25, magnitude = 1;
      if (hard != nullptr) {
        const double y = hard->alpha * x + hard->beta;
        const double reach = sigmas_ * std::abs(hard->alpha) * std::sqrt(src.variance[i]);
        dst.value[i] = std::clamp(y, 0.0, 1.0);
        if (y + reach < 0 || y - reach > 1) continue;
        slope = hard->alpha;
        magnitude = std::abs(hard->alpha * x) + std::abs(hard->beta);
      } else if (gelu != nullptr) {
        const double share = gelu->tanh
                                 ? 1 / (1 + std::exp(-std::sqrt(8 / std::numbers::pi) * (x + 0.044715 * x * x * x)))
                                 : std::erfc(-x / std::numbers::sqrt2) / 2;
        dst.value[i] = x * share;
        slope = 1.13;  // of both forms, near the square root of two
        magnitude = std::abs(x);
      } else {
        dst.value[i] = 1 / (1 + std::exp(-x));
        magnitude = dst.value[i];
      }
      const double rounding = 4 * kUnitF32 * magnitude;
      dst.variance[i] = slope * slope * src.variance[i] + rounding * rounding;
    }
  }

  // One factor is often made from the other, so their errors need not be independent.
  static void mul(const Uncertain& a, const Uncertain& b, Uncertain& dst) {
    const size_t share = a.value.size() / b.value.size();
    for (size_t i = 0; i < dst.value.size(); ++i) {
      const size_t j = i / share;
      dst.value[i] = a.value[i] * b.value[j];
      const double of_a = std::sqrt(a.variance[i]), of_b = std::sqrt(b.variance[j]);
      const double deviation = std::abs(b.value[j]) * of_a + std::abs(a.value[i]) * of_b + of_a * of_b;
      dst.variance[i] = deviation * deviation;
    }
  }

  static void pad(const PadAttributes& a, const Shape& src_shape, const Uncertain& src, const Shape& dst_shape,
                  Uncertain& dst) {
    size_t from = 0;
    for (int64_t c = 0; c < src_shape[0]; ++c) {
      for (int64_t h = 0; h < src_shape[1]; ++h) {
        auto to = static_cast<size_t>((c * dst_shape[1] + a.top + h) * dst_shape[2] + a.left);
        for (int64_t w = 0; w < src_shape[2]; ++w, ++from, ++to) {
          dst.value[to] = src.value[from];
          dst.variance[to] = src.variance[from];
        }
      }
    }
  }

  static void move_channels(const Node& node, const Shape& shape, const Uncertain& src, Uncertain& dst) {
    const auto channels = static_cast<size_t>(shape[0]);
    const size_t pixels = src.value.size() / channels;
    const auto* slice = std::get_if<SliceAttributes>(&node.attributes);
    const auto* shuffle = std::get_if<ChannelShuffleAttributes>(&node.attributes);
    for (size_t c = 0; c < dst.value.size() / pixels; ++c) {
      size_t from = c;
      if (slice != nullptr) from += static_cast<size_t>(slice->begin);
      if (shuffle != nullptr) {
        const auto groups = static_cast<size_t>(shuffle->groups);
        from = c % groups * (channels / groups) + c / groups;
      }
      for (size_t p = 0; p < pixels; ++p) {
        dst.value[c * pixels + p] = src.value[from * pixels + p];
        dst.variance[c * pixels + p] = src.variance[from * pixels + p];
      }
    }
  }

  // With d = bias + alpha / size * sum x^2: dy_i / dx_j = ((i == j) d - 2 alpha beta / size * x_i x_j) / d^(beta + 1).
  static void response_norm(const LocalResponseNormAttributes& a, const Shape& shape, const Uncertain& src,
                            Uncertain& dst) {
    const int64_t channels = shape[0];
    const auto pixels = static_cast<int64_t>(src.value.size()) / channels;
    const double scale = a.alpha / static_cast<double>(a.size);
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t begin = std::max<int64_t>(0, c - (a.size - 1) / 2), end = std::min(channels, c + a.size / 2 + 1);
      for (int64_t p = 0; p < pixels; ++p) {
        const auto at = static_cast<size_t>(c * pixels + p);
        double squares = 0;
        for (int64_t j = begin; j < end; ++j) {
          const double x = src.value[static_cast<size_t>(j * pixels + p)];
          squares += x * x;
        }
        const double d = a.bias + scale * squares;
        dst.value[at] = src.value[at] / std::pow(d, a.beta);
        for (int64_t j = begin; j < end; ++j) {
          const auto other = static_cast<size_t>(j * pixels + p);
          const double slope =
              ((j == c ? d : 0) - 2 * scale * a.beta * src.value[at] * src.value[other]) / std::pow(d, a.beta + 1);
          dst.variance[at] += slope * slope * src.variance[other];
        }
        // The sum's and the power's own rounding.
        const double rounding = 4 * kUnitF32 * (1 + a.beta) * dst.value[at];
        dst.variance[at] += rounding * rounding;
      }
    }
  }

  // To first order: dy_i / dx_j = ((i == j) - 1/F - y_i y_j / F) / deviation.
  static void layer_norm(double epsilon, const Uncertain& src, Uncertain& dst) {
    const auto count = static_cast<double>(src.value.size());
    double sum = 0, squares = 0;
    for (const double x : src.value) sum += x;
    for (const double x : src.value) squares += (x - sum / count) * (x - sum / count);
    const double deviation = std::sqrt(squares / count + epsilon);
    for (size_t i = 0; i < src.value.size(); ++i) dst.value[i] = (src.value[i] - sum / count) / deviation;
    for (size_t i = 0; i < src.value.size(); ++i) {
      for (size_t j = 0; j < src.value.size(); ++j) {
        const double slope = ((i == j ? 1 : 0) - (1 + dst.value[i] * dst.value[j]) / count) / deviation;
        dst.variance[i] += slope * slope * src.variance[j];
      }
    }
  }

  void conv2d(const Node& node, const Shape& src_shape, const Uncertain& src, const Shape& dst_shape,
              Uncertain& dst) const {
    const auto& a = std::get<Conv2dAttributes>(node.attributes);
    const auto weight = weights_.get(node.name + ".weight"), bias = weights_.get_or_empty(node.name + ".bias");
    const int64_t inputs = src_shape[0] / a.groups, outputs = dst_shape[0] / a.groups;
    const size_t per_output = weight.size() / static_cast<size_t>(dst_shape[0]);
    size_t to = 0;
    for (int64_t o = 0; o < dst_shape[0]; ++o) {
      const double step = weight_step(weight.subspan(static_cast<size_t>(o) * per_output, per_output));
      for (int64_t oh = 0; oh < dst_shape[1]; ++oh) {
        for (int64_t ow = 0; ow < dst_shape[2]; ++ow, ++to) {
          ProductSum sum;
          for (int64_t i = 0; i < inputs; ++i) {
            for (int64_t kh = 0; kh < a.kernel_h; ++kh) {
              const int64_t ih = oh * a.stride_h - a.pad_top + kh * a.dilation_h;
              if (ih < 0 || ih >= src_shape[1]) continue;
              for (int64_t kw = 0; kw < a.kernel_w; ++kw) {
                const int64_t iw = ow * a.stride_w - a.pad_left + kw * a.dilation_w;
                if (iw < 0 || iw >= src_shape[2]) continue;
                const auto from =
                    static_cast<size_t>(((o / outputs * inputs + i) * src_shape[1] + ih) * src_shape[2] + iw);
                const auto by = static_cast<size_t>(((o * inputs + i) * a.kernel_h + kh) * a.kernel_w + kw);
                sum.add(weight[by], src.value[from], src.variance[from]);
              }
            }
          }
          sum.store(bias.empty() ? 0 : bias[static_cast<size_t>(o)], unit_map_, step, dst, to);
        }
      }
    }
  }

  void linear(const Node& node, const Uncertain& src, Uncertain& dst) const {
    const auto weight = weights_.get(node.name + ".weight"), bias = weights_.get_or_empty(node.name + ".bias");
    const size_t inputs = src.value.size();
    for (size_t o = 0; o < dst.value.size(); ++o) {
      ProductSum sum;
      for (size_t i = 0; i < inputs; ++i) sum.add(weight[o * inputs + i], src.value[i], src.variance[i]);
      sum.store(bias.empty() ? 0 : bias[o], unit_map_, 0, dst, o);
    }
  }

  void batch_norm(const Node& node, const Shape& shape, const Uncertain& src, Uncertain& dst) const {
    const auto weight = weights_.get(node.name + ".weight"), bias = weights_.get(node.name + ".bias");
    const auto running_mean = weights_.get(node.name + ".running_mean");
    const auto running_var = weights_.get(node.name + ".running_var");
    const double epsilon = std::get<BatchNormAttributes>(node.attributes).epsilon;
    const auto pixels = static_cast<size_t>(shape[1] * shape[2]);
    for (size_t i = 0; i < dst.value.size(); ++i) {
      const size_t c = i / pixels;
      const double scale = weight[c] / std::sqrt(running_var[c] + epsilon);
      const double shift = bias[c] - running_mean[c] * scale;
      dst.value[i] = src.value[i] * scale + shift;
      const double rounding = kUnitF32 * (std::abs(src.value[i] * scale) + std::abs(running_mean[c] * scale) +
                                          std::abs(static_cast<double>(bias[c])));
      dst.variance[i] = src.variance[i] * scale * scale + 4 * rounding * rounding;
    }
  }

  void pool(const Node& node, double alpha, const Shape& src_shape, const Uncertain& src, const Shape& dst_shape,
            Uncertain& dst) const {
    const auto& a = std::get<PoolAttributes>(node.attributes);
    const int64_t h = src_shape[1], w = src_shape[2];
    size_t to = 0;
    for (int64_t c = 0; c < dst_shape[0]; ++c) {
      for (int64_t oh = 0; oh < dst_shape[1]; ++oh) {
        for (int64_t ow = 0; ow < dst_shape[2]; ++ow, ++to) {
          const int64_t top = oh * a.stride_h - a.pad_h, left = ow * a.stride_w - a.pad_w;
          double largest = -std::numeric_limits<double>::infinity(), sum = 0, magnitude = 0;
          double worst = 0, deviations = 0;
          int64_t real = 0;
          for (int64_t ih = std::max<int64_t>(0, top); ih < std::min(h, top + a.kernel_h); ++ih) {
            for (int64_t iw = std::max<int64_t>(0, left); iw < std::min(w, left + a.kernel_w); ++iw, ++real) {
              const auto from = static_cast<size_t>((c * h + ih) * w + iw);
              largest = std::max(largest, src.value[from]);
              sum += src.value[from];
              magnitude += std::abs(src.value[from]);
              worst = std::max(worst, src.variance[from]);
              deviations += std::sqrt(src.variance[from]);
            }
          }
          const int64_t rows = std::min(top + a.kernel_h, h + a.pad_h) - top;
          const int64_t columns = std::min(left + a.kernel_w, w + a.pad_w) - left;
          const auto count = static_cast<double>(a.count_include_pad ? rows * columns : real);
          dst.value[to] = alpha * largest + (1 - alpha) * sum / count;
          const double deviation = std::abs(alpha) * std::sqrt(worst) + std::abs(1 - alpha) * deviations / count +
                                   (alpha == 1 ? 0 : 4 * kUnitF32 * (magnitude + std::abs(largest)));
          dst.variance[to] = deviation * deviation;
        }
      }
    }
  }

  static void mean(const Shape& shape, const Uncertain& src, Uncertain& dst) {
    const auto pixels = static_cast<size_t>(shape[1] * shape[2]);
    for (size_t c = 0; c < dst.value.size(); ++c) {
      double sum = 0, magnitude = 0, deviations = 0;
      for (size_t i = c * pixels; i < (c + 1) * pixels; ++i) {
        sum += src.value[i];
        magnitude += std::abs(src.value[i]);
        deviations += std::sqrt(src.variance[i]);
      }
      const auto count = static_cast<double>(pixels);
      dst.value[c] = sum / count;
      const double deviation = deviations / count + kUnitF32 * std::sqrt(count) * magnitude / count;
      dst.variance[c] = deviation * deviation;
    }
  }

  [[nodiscard]] double weight_step(std::span<const float> of_output) const {
    if (quantisation_ == nullptr) return 0;
    double largest = 0;
    for (const float w : of_output) largest = std::max(largest, std::abs(static_cast<double>(w)));
    return largest / kLargestWeight;
  }

  // A map written down in bytes.
  static void round_to_steps(const MapScale& map, Uncertain& dst) {
    const double low = map.is_signed ? -128 * map.scale : 0, high = (map.is_signed ? 127 : 255) * map.scale;
    for (size_t i = 0; i < dst.value.size(); ++i) {
      const double cut_off = dst.value[i] - std::clamp(dst.value[i], low, high);
      dst.variance[i] += step_variance(map.scale) + cut_off * cut_off;
    }
  }

  // Both sides store every value once, each with its own rounding; the reference always in fp32.
  void round_stored(const Node& node, const Shape& shape, Uncertain& dst) const {
    if (node.op == OpKind::kFlatten) return;
    if (quantisation_ != nullptr) {
      const auto map = quantisation_->scales.find(node.name);
      if (map != quantisation_->scales.end()) round_to_steps(map->second, dst);
    }
    const double unit = shape.size() == 3 ? unit_map_ : kUnitF32;
    const bool exact = unit == kUnitF32 && (node.op == OpKind::kInput || node.op == OpKind::kRelu);
    if (exact) return;
    for (size_t i = 0; i < dst.value.size(); ++i) dst.variance[i] += 2 * unit * unit * dst.value[i] * dst.value[i];
  }

  [[nodiscard]] double gate_bound(size_t k, double logit_deviation) const {
    const Exit& exit = graph_.stages[k].exit;
    double variance = 0;
    if (exit.gate->features) {
      const auto weight = weights_.get(gate_features_name(k));
      const Uncertain& features = at(exit.features);
      ProductSum sum;
      for (size_t i = 0; i < weight.size(); ++i) sum.add(weight[i], features.value[i], features.variance[i]);
      Uncertain dst(1);
      sum.store(0, kUnitF32, 0, dst, 0);
      variance = dst.variance[0] + 2 * kUnitF32 * kUnitF32 * dst.value[0] * dst.value[0];
    }
    double from_scores = 0;
    if (exit.gate->scores) {
      // How much each score can move when every logit moves by at most one.
      constexpr double kSlopes[kGateScoreCount] = {0.5, 1, 1, 2};
      const auto weight = weights_.get(gate_scores_name(k));
      for (size_t i = 0; i < weight.size(); ++i) from_scores += std::abs(weight[i]) * kSlopes[i];
    }
    const double bias = weights_.get(gate_bias_name(k))[0];
    return sigmas_ * (std::sqrt(variance) + from_scores * (logit_deviation + kUnitF32) + kUnitF32 * std::abs(bias));
  }

  const Graph& graph_;
  std::vector<Shape> shapes_;
  Weights weights_;
  double sigmas_;
  double unit_map_;
  const Quantisation* quantisation_;  // null unless in int8
  std::vector<Uncertain> values_;
};

}  // namespace

LogitTolerance logit_tolerance(const Graph& graph, const TensorMap& weights, std::span<const float> image,
                               Precision precision, const Quantisation* quantisation) {
  validate(graph);
  SOONER_ASSERT(precision != Precision::kInt8 || quantisation != nullptr);
  SOONER_ASSERT(image.size() == static_cast<size_t>(element_count(graph.input_shape)));
  Propagation propagation(graph, weights, precision, quantisation);
  propagation.run(image);
  return propagation.tolerance();
}

}  // namespace sooner
