#include "backend/ref/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sooner::ref {

void conv2d(const Conv2dAttributes& a, const Shape& src_shape, std::span<const float> src,
            std::span<const float> weight, std::span<const float> bias, const Shape& dst_shape, std::span<float> dst) {
  const int64_t in_per_group = src_shape[0] / a.groups;
  const int64_t out_per_group = dst_shape[0] / a.groups;
  const int64_t h = src_shape[1], w = src_shape[2];
  size_t at = 0;
  for (int64_t o = 0; o < dst_shape[0]; ++o) {
    const int64_t first_in = o / out_per_group * in_per_group;
    for (int64_t oh = 0; oh < dst_shape[1]; ++oh) {
      for (int64_t ow = 0; ow < dst_shape[2]; ++ow) {
        double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(o)];
        for (int64_t i = 0; i < in_per_group; ++i) {
          for (int64_t kh = 0; kh < a.kernel_h; ++kh) {
            const int64_t ih = oh * a.stride_h - a.pad_top + kh * a.dilation_h;
            if (ih < 0 || ih >= h) continue;
            for (int64_t kw = 0; kw < a.kernel_w; ++kw) {
              const int64_t iw = ow * a.stride_w - a.pad_left + kw * a.dilation_w;
              if (iw < 0 || iw >= w) continue;
              const auto from = static_cast<size_t>(((first_in + i) * h + ih) * w + iw);
              const auto by = static_cast<size_t>(((o * in_per_group + i) * a.kernel_h + kh) * a.kernel_w + kw);
              sum += static_cast<double>(src[from]) * static_cast<double>(weight[by]);
            }
          }
        }
        dst[at++] = static_cast<float>(sum);
      }
    }
  }
}

void linear(std::span<const float> src, std::span<const float> weight, std::span<const float> bias,
            std::span<float> dst) {
  for (size_t o = 0; o < dst.size(); ++o) {
    double sum = bias.empty() ? 0.0 : bias[o];
    for (size_t i = 0; i < src.size(); ++i) {
      sum += static_cast<double>(src[i]) * static_cast<double>(weight[o * src.size() + i]);
    }
    dst[o] = static_cast<float>(sum);
  }
}

void batch_norm(const Shape& shape, std::span<const float> src, const BatchNormParameters& p, std::span<float> dst) {
  const auto pixels = static_cast<size_t>(shape[1] * shape[2]);
  for (size_t c = 0; c < p.weight.size(); ++c) {
    const double scale = p.weight[c] / std::sqrt(static_cast<double>(p.running_var[c]) + p.epsilon);
    for (size_t i = c * pixels; i < (c + 1) * pixels; ++i) {
      dst[i] = static_cast<float>((static_cast<double>(src[i]) - p.running_mean[c]) * scale + p.bias[c]);
    }
  }
}

void relu(std::span<const float> src, std::span<float> dst) {
  for (size_t i = 0; i < dst.size(); ++i) dst[i] = src[i] < 0 ? 0.0F : src[i];  // NaN stays NaN
}

void clip(std::span<const float> src, double low, double high, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) dst[i] = static_cast<float>(std::clamp<double>(src[i], low, high));
}

void hard_swish(std::span<const float> src, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) {
    const double x = src[i];
    dst[i] = static_cast<float>(x * std::clamp(x + 3, 0.0, 6.0) / 6);
  }
}

void leaky_relu(std::span<const float> src, double slope, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) dst[i] = src[i] < 0 ? static_cast<float>(slope * src[i]) : src[i];
}

void sigmoid(std::span<const float> src, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) {
    dst[i] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(src[i]))));
  }
}

void hard_sigmoid(const HardSigmoidAttributes& a, std::span<const float> src, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) {
    dst[i] = static_cast<float>(std::clamp(a.alpha * src[i] + a.beta, 0.0, 1.0));
  }
}

void gelu(const GeluAttributes& a, std::span<const float> src, std::span<float> dst) {
  for (size_t i = 0; i < src.size(); ++i) {
    const double x = src[i];
    // Both as they stay exact far below zero, where 1 + erf and 1 + tanh are nothing but rounding.
    const double share = a.tanh ? 1 / (1 + std::exp(-std::sqrt(8 / std::numbers::pi) * (x + 0.044715 * x * x * x)))
                                : std::erfc(-x / std::numbers::sqrt2) / 2;
    dst[i] = static_cast<float>(x * share);
  }
}

void mul(std::span<const float> a, std::span<const float> b, std::span<float> dst) {
  const size_t share = a.size() / b.size();
  for (size_t i = 0; i < dst.size(); ++i) dst[i] = a[i] * b[i / share];
}

void pad(const PadAttributes& a, const Shape& src_shape, std::span<const float> src, const Shape& dst_shape,
         std::span<float> dst) {
  std::ranges::fill(dst, 0.0F);
  const auto width = static_cast<size_t>(src_shape[2]);
  for (int64_t c = 0; c < src_shape[0]; ++c) {
    for (int64_t h = 0; h < src_shape[1]; ++h) {
      const auto row = src.subspan(static_cast<size_t>(c * src_shape[1] + h) * width, width);
      std::ranges::copy(row, dst.begin() + (c * dst_shape[1] + a.top + h) * dst_shape[2] + a.left);
    }
  }
}

void channel_shuffle(const ChannelShuffleAttributes& a, const Shape& shape, std::span<const float> src,
                     std::span<float> dst) {
  const auto channels = static_cast<size_t>(shape[0]), groups = static_cast<size_t>(a.groups);
  const size_t pixels = src.size() / channels, per_group = channels / groups;
  for (size_t g = 0; g < groups; ++g) {
    for (size_t i = 0; i < per_group; ++i) {
      const auto from = src.subspan((g * per_group + i) * pixels, pixels);
      std::ranges::copy(from, dst.begin() + static_cast<std::ptrdiff_t>((i * groups + g) * pixels));
    }
  }
}

void local_response_norm(const LocalResponseNormAttributes& a, const Shape& shape, std::span<const float> src,
                         std::span<float> dst) {
  const int64_t channels = shape[0];
  const auto pixels = static_cast<int64_t>(src.size()) / channels;
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t begin = std::max<int64_t>(0, c - (a.size - 1) / 2), end = std::min(channels, c + a.size / 2 + 1);
    for (int64_t p = 0; p < pixels; ++p) {
      double squares = 0;
      for (int64_t j = begin; j < end; ++j) {
        const double x = src[static_cast<size_t>(j * pixels + p)];
        squares += x * x;
      }
      const auto at = static_cast<size_t>(c * pixels + p);
      const double norm = std::pow(a.bias + a.alpha / static_cast<double>(a.size) * squares, a.beta);
      dst[at] = static_cast<float>(src[at] / norm);
    }
  }
}

void add(std::span<const float> a, std::span<const float> b, std::span<float> dst) {
  for (size_t i = 0; i < dst.size(); ++i) dst[i] = a[i] + b[i];
}

void pool(const PoolAttributes& a, double alpha, const Shape& src_shape, std::span<const float> src,
          const Shape& dst_shape, std::span<float> dst) {
  const int64_t h = src_shape[1], w = src_shape[2];
  size_t at = 0;
  for (int64_t c = 0; c < dst_shape[0]; ++c) {
    for (int64_t oh = 0; oh < dst_shape[1]; ++oh) {
      for (int64_t ow = 0; ow < dst_shape[2]; ++ow) {
        const int64_t top = oh * a.stride_h - a.pad_h, left = ow * a.stride_w - a.pad_w;
        float largest = -std::numeric_limits<float>::infinity();
        double sum = 0;
        int64_t real = 0;
        for (int64_t ih = std::max<int64_t>(0, top); ih < std::min(h, top + a.kernel_h); ++ih) {
          for (int64_t iw = std::max<int64_t>(0, left); iw < std::min(w, left + a.kernel_w); ++iw) {
            const float value = src[static_cast<size_t>((c * h + ih) * w + iw)];
            largest = value > largest || std::isnan(value) ? value : largest;
            sum += value;
            ++real;
          }
        }
        // Padding counts as far as it was asked for, not where a rounded-up last window reaches beyond it.
        const int64_t rows = std::min(top + a.kernel_h, h + a.pad_h) - top;
        const int64_t columns = std::min(left + a.kernel_w, w + a.pad_w) - left;
        const double average = sum / static_cast<double>(a.count_include_pad ? rows * columns : real);
        const double value = alpha == 1.0 ? largest : alpha * largest + (1 - alpha) * average;
        dst[at++] = static_cast<float>(value);
      }
    }
  }
}

void global_avg_pool(const Shape& src_shape, std::span<const float> src, std::span<float> dst) {
  const auto pixels = static_cast<size_t>(src_shape[1] * src_shape[2]);
  for (size_t c = 0; c < dst.size(); ++c) {
    double sum = 0;
    for (size_t i = c * pixels; i < (c + 1) * pixels; ++i) sum += src[i];
    dst[c] = static_cast<float>(sum / static_cast<double>(pixels));
  }
}

}  // namespace sooner::ref
