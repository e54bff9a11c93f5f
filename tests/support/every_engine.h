// Small networks and policies for suites of every engine (engines.h), and how their answers are compared.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "format/model_file.h"
#include "runtime/session.h"
#include "support/engines.h"
#include "support/measured_scales.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner::test {

inline ModelFile file_of(const Graph& graph, uint64_t seed = 1) {
  ModelFile file;
  file.manifest.graph = graph;
  file.tensors = random_weights(graph, seed);
  file.manifest.quantisation = measured_quantisation(graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
  return file;
}

inline Graph small_net() {
  return build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both"}, {2, 9, 7}, 4);
}
// Every early head but the first reads the answer before its own.
inline Graph cascade_net() {
  return build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both", /*cascade=*/true}, {2, 9, 7}, 4);
}

inline std::shared_ptr<const ExitPolicy> policy_for(const Graph& graph, const PolicySpec& spec) {
  return make_policy(spec, {.exits = static_cast<int32_t>(graph.exits()),
                            .classes = static_cast<int32_t>(graph.classes),
                            .has_gates = true});
}

// Max-prob thresholds that let about a third of the samples leave at each exit.
inline PolicySpec mixed_policy(const std::shared_ptr<const Model>& model, std::span<const float> images, int64_t n) {
  const Graph& graph = model->graph();
  const size_t exits = graph.exits(), classes = static_cast<size_t>(graph.classes);
  std::vector<float> logits(static_cast<size_t>(n) * exits * classes), gates(static_cast<size_t>(n) * (exits - 1));
  Session(model, policy_for(graph, {})).run_all_exits(images, n, logits, gates);
  PolicySpec spec{.name = "margin", .thresholds = {}, .temperatures = {}};
  for (size_t k = 0; k + 1 < exits; ++k) {
    std::vector<double> scores;
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      std::vector<double> p(classes);
      double total = 0;
      for (size_t c = 0; c < classes; ++c) total += p[c] = std::exp(logits[(i * exits + k) * classes + c]);
      std::sort(p.rbegin(), p.rend());
      scores.push_back((p[0] - p[1]) / total);
    }
    std::sort(scores.begin(), scores.end());
    spec.thresholds.push_back(Threshold::score(scores[scores.size() * 2 / 3]));
  }
  return spec;
}

inline void expect_same(std::span<const Result> got, std::span<const Result> want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].exit_index, want[i].exit_index) << i;
    EXPECT_EQ(got[i].label, want[i].label) << i;
    EXPECT_EQ(got[i].left, want[i].left) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(got[i].score), std::bit_cast<uint32_t>(want[i].score)) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(got[i].probability), std::bit_cast<uint32_t>(want[i].probability)) << i;
  }
}

class EveryEngine : public testing::TestWithParam<Engine> {
 protected:
  [[nodiscard]] static std::shared_ptr<const Model> model(const Graph& graph, int32_t batch_max) {
    return Model::from_file(file_of(graph), {GetParam().backend, GetParam().precision, batch_max});
  }
};

}  // namespace sooner::test
