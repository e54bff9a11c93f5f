// Settings of the policy `learned` that nothing was fitted for.
#pragma once

#include <vector>

#include "policy/exit_policy.h"
#include "policy/rules/learned_features.h"

namespace sooner::test {

// Every feature counts by its place: weights 1/2, -1/4, 1/8, …; nothing is shifted, and the scales are 2.
inline PolicySettings learned_settings(const PolicyContext& context) {
  NumberRows weights, means, scales;
  const auto exits = static_cast<size_t>(context.exits);
  for (size_t k = 0; k < exits; ++k) {
    const size_t features = learned_feature_count(k, context.has_gates && k + 1 < exits);
    weights.emplace_back(1 + features, 0.25);
    double weight = 0.5;
    for (size_t f = 0; f < features; ++f, weight /= -2) weights[k][f + 1] = weight;
    means.emplace_back(features, 0.0);
    scales.emplace_back(features, 2.0);
  }
  return {{"weights", weights}, {"means", means}, {"scales", scales}};
}

}  // namespace sooner::test
