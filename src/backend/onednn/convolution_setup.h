// What a convolution with all that is fused into it is made from.
//
// In int8 the maps are bytes, the sums whole numbers, and every output channel has a weight scale of its own:
//   dst = round((sum_i q_i w_i * src * weight[o] + bias[o] + residual) / dst), with src, weight[o] and dst the scales.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "graph/op.h"
#include "graph/quantisation.h"

namespace sooner::onednn {

struct ConvolutionSetup {
  std::string name;
  Conv2dAttributes attributes;
  Shape src_shape;  // [C, H, W]
  Shape dst_shape;
  std::vector<float> weight;  // [O, I/groups, KH, KW], batch norm folded in
  std::vector<float> bias;    // [O]
  Precision precision = Precision::kF32;
  MapScale src_scale = {}, dst_scale = {}, residual_scale = {};  // int8 alone
  bool src_is_float = false;                                     // int8: what reads the image
  bool adds_to_dst = false;                                      // dst already holds the residual
  // Of these at most one.
  bool relu = false;
  bool hard_swish = false;
  std::optional<ClipAttributes> clip = {};
  int32_t batch_max = 1;
};

// What the convolution's arithmetic counts its results in: 1, or in int8 the scale of dst.
double result_step(const ConvolutionSetup& setup);
// The clip's bounds in such steps, within what a float holds. REQUIRES: setup.clip
ClipAttributes clip_in_steps(const ConvolutionSetup& setup);

// A convolution's weights and constants in whole numbers.
struct Int8Constants {
  std::vector<int8_t> weight;  // [O, I/groups, KH, KW]
  // [O], in steps of dst: dst = round(sum * factor + bias + residual).
  std::vector<float> factor, bias;
};

Int8Constants int8_constants(const ConvolutionSetup& setup);

}  // namespace sooner::onednn
