// A quantisation for tests' networks, measured as `sooner quantize` does.
#pragma once

#include <string>

#include "quantize/measure_scales.h"
#include "support/random_weights.h"

namespace sooner::test {

inline Quantisation measured_quantisation(const Graph& graph, const TensorMap& weights,
                                          RangeMethod method = RangeMethod::kMinMax) {
  Quantisation quantisation;
  quantisation.method = "min-max";
  quantisation.samples = 64;
  quantisation.scales = measure_scales(graph, weights, *make_backend("auto"), random_images(graph, 64, 99), method);
  return quantisation;
}

}  // namespace sooner::test
