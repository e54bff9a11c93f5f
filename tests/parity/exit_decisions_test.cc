// The same samples on the reference and on every other backend: exits and labels may differ only where the numbers
// they hang on lie within the derived bound of the threshold, or of each other.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "backend/common/gate.h"
#include "check/tolerance.h"
#include "policy/scores.h"
#include "runtime/session.h"
#include "support/engines.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using test::random_images;
using test::random_weights;

constexpr int64_t kSamples = 120;

class ExitDecisions : public testing::TestWithParam<test::Engine> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ExitDecisions);

TEST_P(ExitDecisions, FlipOnlyInsideTheBound) {
  ModelFile file;
  Graph& graph = file.manifest.graph;
  graph = build_network({GetParam().network, "fractions:.3,.6", "gap-fc", "none"}, {2, 9, 9}, 4);
  file.tensors = random_weights(graph, 5);
  file.manifest.quantisation = test::measured_quantisation(graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
  const size_t exits = graph.exits(), classes = 4;
  const std::vector<float> images = random_images(graph, kSamples, 6);
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  const auto reference = Model::from_file(file, {"ref", Precision::kF32, 16});

  // Thresholds between samples' own scores, so that there is something to flip.
  std::vector<float> logits(kSamples * exits * classes), gates(kSamples * (exits - 1));
  Session(reference).run_all_exits(images, kSamples, logits, gates);
  const auto score = [&](size_t sample, size_t k) {
    return margin_score(std::span(logits).subspan((sample * exits + k) * classes, classes));
  };
  PolicySpec spec{.name = "margin", .thresholds = {}, .temperatures = {}};
  for (size_t k = 0; k + 1 < exits; ++k) {
    std::vector<double> scores;
    for (size_t i = 0; i < kSamples; ++i) scores.push_back(score(i, k));
    std::sort(scores.begin(), scores.end());
    spec.thresholds.push_back(Threshold::score(std::nextafter(scores[kSamples / 2], 2)));
  }
  file.manifest.policy = spec;
  Session expected(Model::from_file(file, {"ref", Precision::kF32, 16}));
  Session session(Model::from_file(file, {GetParam().backend, GetParam().precision, 16}));
  const std::span<const Result> want = expected.run(images, kSamples), got = session.run(images, kSamples);
  for (size_t i = 0; i < kSamples; ++i) {
    if (want[i].exit_index == got[i].exit_index && want[i].label == got[i].label) continue;
    const LogitTolerance bound =
        logit_tolerance(graph, file.tensors, std::span(images).subspan(i * per_sample, per_sample),
                        GetParam().precision, &*file.manifest.quantisation);
    const auto k = static_cast<size_t>(std::min(want[i].exit_index, got[i].exit_index));
    const auto of_exit = std::span(bound.logits).subspan(k * classes, classes);
    const double largest = *std::max_element(of_exit.begin(), of_exit.end());
    if (want[i].exit_index != got[i].exit_index) {
      // The margin moves by at most as much as the logits.
      EXPECT_LE(std::abs(score(i, k) - spec.thresholds[k].as_score()), largest) << "sample " << i << ", exit " << k;
      continue;
    }
    std::vector<float> row(logits.begin() + static_cast<ptrdiff_t>((i * exits + k) * classes),
                           logits.begin() + static_cast<ptrdiff_t>((i * exits + k + 1) * classes));
    std::sort(row.rbegin(), row.rend());
    EXPECT_LE(row[0] - row[1], 2 * largest) << "sample " << i << " is labelled otherwise";
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ExitDecisions, testing::ValuesIn(test::engines({"b-lenet", "resnet8:w3"}, "ref")),
                         test::engine_name);

// The policy room and the backends each compute a gate's four scores; neither may include the other.
TEST(GateScores, AreTheSameForPolicyAndBackends) {
  Rng rng(3);
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<float> logits(2 + rng.below(9));
    const double scale = std::exp(rng.uniform(-3, 5));
    for (float& logit : logits) logit = static_cast<float>(scale * rng.normal());
    float policy[kGateScoreCount];
    double backend[kGateScoreCount];
    gate_scores(logits, policy);
    compute_gate_scores(logits, backend);
    for (size_t i = 0; i < kGateScoreCount; ++i) EXPECT_NEAR(policy[i], backend[i], 1e-6) << "score " << i;
  }
}

}  // namespace
}  // namespace sooner
