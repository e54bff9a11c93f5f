// One operation on one sample, as plainly as it can be written: the source of truth for every other backend.
// Arrays are fp32, row-major [C, H, W] or [F]; sums are kept in double and rounded once, when stored.
// No dependency, no blocking, no threads; not meant to be fast.
#pragma once

#include <span>

#include "core/shape.h"
#include "graph/op.h"

namespace sooner::ref {

// weight [O, I/groups, KH, KW], bias [O] or empty; dst [O, OH, OW].
void conv2d(const Conv2dAttributes& a, const Shape& src_shape, std::span<const float> src,
            std::span<const float> weight, std::span<const float> bias, const Shape& dst_shape, std::span<float> dst);

// weight [O, I], bias [O] or empty.
void linear(std::span<const float> src, std::span<const float> weight, std::span<const float> bias,
            std::span<float> dst);

struct BatchNormParameters {
  std::span<const float> weight;  // [C] each
  std::span<const float> bias;
  std::span<const float> running_mean;
  std::span<const float> running_var;
  double epsilon = 1e-5;
};
void batch_norm(const Shape& shape, std::span<const float> src, const BatchNormParameters& p, std::span<float> dst);

void relu(std::span<const float> src, std::span<float> dst);
void add(std::span<const float> a, std::span<const float> b, std::span<float> dst);

void clip(std::span<const float> src, double low, double high, std::span<float> dst);
// x * min(max(x + 3, 0), 6) / 6
void hard_swish(std::span<const float> src, std::span<float> dst);
// x, or slope * x below zero
void leaky_relu(std::span<const float> src, double slope, std::span<float> dst);
// 1 / (1 + e^-x)
void sigmoid(std::span<const float> src, std::span<float> dst);
void hard_sigmoid(const HardSigmoidAttributes& a, std::span<const float> src, std::span<float> dst);
void gelu(const GeluAttributes& a, std::span<const float> src, std::span<float> dst);
// b is as large as a, or one factor for each of a's channels.
void mul(std::span<const float> a, std::span<const float> b, std::span<float> dst);
void pad(const PadAttributes& a, const Shape& src_shape, std::span<const float> src, const Shape& dst_shape,
         std::span<float> dst);
void channel_shuffle(const ChannelShuffleAttributes& a, const Shape& shape, std::span<const float> src,
                     std::span<float> dst);
void local_response_norm(const LocalResponseNormAttributes& a, const Shape& shape, std::span<const float> src,
                         std::span<float> dst);

// alpha * max + (1 - alpha) * average over each window: 1 is max pooling, 0 average pooling. The maximum is taken over
// real elements only.
void pool(const PoolAttributes& a, double alpha, const Shape& src_shape, std::span<const float> src,
          const Shape& dst_shape, std::span<float> dst);
void global_avg_pool(const Shape& src_shape, std::span<const float> src, std::span<float> dst);

}  // namespace sooner::ref
