#include "backend/onednn/convolution_setup.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/onednn/library.h"

namespace sooner::onednn {
namespace {

// The largest whole number a weight may become. Without VNNI oneDNN adds two products of an unsigned byte in 16 bits,
// which hold 2 * 255 * 63 but not 2 * 255 * 127; with signed bytes it halves the weights by itself.
int largest_weight(const ConvolutionSetup& setup) {
  const bool has_vnni = has_isa(dnnl::cpu_isa::avx512_core_vnni) || has_isa(dnnl::cpu_isa::avx2_vnni);
  return has_vnni || setup.src_scale.is_signed ? 127 : 63;
}

// What one step of every output channel's weights stands for, [O].
std::vector<double> weight_steps(const ConvolutionSetup& setup) {
  const size_t per_output = setup.weight.size() / setup.bias.size();
  std::vector<double> steps;
  for (size_t o = 0; o < setup.bias.size(); ++o) {
    double largest = 0;
    for (size_t i = o * per_output; i < (o + 1) * per_output; ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(setup.weight[i])));
    }
    steps.push_back(largest > 0 ? largest / largest_weight(setup) : 1);
  }
  return steps;
}

}  // namespace

double result_step(const ConvolutionSetup& setup) {
  return setup.precision == Precision::kInt8 ? setup.dst_scale.scale : 1;
}

ClipAttributes clip_in_steps(const ConvolutionSetup& setup) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const double step = result_step(setup);
  return {std::clamp(setup.clip->low / step, -kLargest, kLargest),
          std::clamp(setup.clip->high / step, -kLargest, kLargest)};
}

Int8Constants int8_constants(const ConvolutionSetup& setup) {
  const std::vector<double> steps = weight_steps(setup);
  const size_t per_output = setup.weight.size() / setup.bias.size();
  Int8Constants constants;
  for (size_t i = 0; i < setup.weight.size(); ++i) {
    constants.weight.push_back(static_cast<int8_t>(std::nearbyint(setup.weight[i] / steps[i / per_output])));
  }
  for (size_t o = 0; o < setup.bias.size(); ++o) {
    constants.factor.push_back(static_cast<float>(steps[o] * setup.src_scale.scale / setup.dst_scale.scale));
    constants.bias.push_back(static_cast<float>(setup.bias[o] / setup.dst_scale.scale));
  }
  return constants;
}

}  // namespace sooner::onednn
