// A sample's answer does not depend on its batch-mates: 100,000 draws of a sample, a batch around it and a place in it,
// each held bit by bit against the sample alone; a tenth of them for each lesser instruction set. Kernels are chosen by
// extents, so the networks are of real size.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "runtime/session.h"
#include "support/gated_network.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

struct Trial {
  const char* name;
  NetworkDescription network;  // no backbone: test::gated_network()
  Shape input;
  int64_t draws;
};

const Trial kTrials[] = {
    {"b-lenet", {"b-lenet", "names:conv1", "branchy", "both"}, {1, 28, 28}, 96'000},
    {"resnet20", {"resnet20", "fractions:.30,.65", "conv-gap-fc", "both"}, {3, 32, 32}, 4'000},
    {"mobilenetv2", {"mobilenetv2:w0.35:cifar", "names:features.3", "gap-fc", "both"}, {3, 16, 16}, 200},
    {"shufflenetv2", {"shufflenetv2:w0.5:cifar", "names:stage2.1", "gap-fc", "both"}, {3, 16, 16}, 200},
    {"squeezenet", {"squeezenet1.1", "none", "gap-fc", "none"}, {3, 35, 35}, 200},
    {"b-alexnet", {"b-alexnet", "names:conv2", "gap-fc", "both"}, {3, 16, 16}, 200},
    {"gated", {}, {3, 20, 20}, 2'000},
    {"cascade", {"b-lenet", "names:conv1,relu2", "gap-fc", "both", /*cascade=*/true}, {1, 28, 28}, 2'000},
};

Graph network_of(const Trial& trial) {
  if (trial.network.backbone.empty()) return test::gated_network(trial.input, 40, 10);
  return build_network(trial.network, trial.input, 10);
}

// The bits of every exit's logits and gates, one row for each sample.
std::vector<float> answers(Session& session, std::span<const float> images, int64_t n, const Graph& graph) {
  const size_t exits = graph.exits(), classes = static_cast<size_t>(graph.classes);
  const size_t row = exits * classes + exits - 1;
  std::vector<float> logits(static_cast<size_t>(n) * exits * classes), gates(static_cast<size_t>(n) * (exits - 1));
  session.run_all_exits(images, n, logits, gates);
  std::vector<float> rows(static_cast<size_t>(n) * row);
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    std::copy_n(&logits[i * exits * classes], exits * classes, &rows[i * row]);
    std::copy_n(&gates[i * (exits - 1)], exits - 1, &rows[i * row + exits * classes]);
  }
  return rows;
}

TEST(BatchInvariance, NoBitDiffersInAnyDraw) {
  constexpr int64_t kSamples = 200;
  constexpr int64_t kLeast = 200;  // draws of a network
  // Set for the processes that try a lesser instruction set.
  const int64_t share = std::getenv("ONEDNN_MAX_CPU_ISA") == nullptr ? 1 : 10;
  constexpr int32_t kLargest = 40;
  for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
    if (!make_backend("auto")->supports(precision)) continue;
    int64_t drawn = 0, differing = 0;
    for (const Trial& trial : kTrials) {
      ModelFile file;
      const Graph& graph = file.manifest.graph = network_of(trial);
      file.tensors = test::random_weights(graph, 1);
      file.manifest.quantisation = test::measured_quantisation(graph, file.tensors);
      file.manifest.quantisation->model_hash = model_hash(file);
      const std::vector<float> images = test::random_images(graph, kSamples, 2);
      const size_t image = images.size() / kSamples;
      Session alone(Model::from_file(file, {"auto", precision, 1}));
      const std::vector<float> want = answers(alone, images, kSamples, graph);
      const size_t row = want.size() / kSamples;
      const auto model = Model::from_file(file, {"auto", precision, kLargest});
      Rng rng(3);
      for (int64_t left = std::max(trial.draws / share, kLeast); left > 0;) {
        const auto n = static_cast<int32_t>(1 + rng.below(kLargest));
        std::vector<size_t> order(static_cast<size_t>(n));
        std::vector<float> batch;
        for (size_t& sample : order) {
          sample = rng.below(kSamples);
          batch.insert(batch.end(), images.begin() + static_cast<ptrdiff_t>(sample * image),
                       images.begin() + static_cast<ptrdiff_t>((sample + 1) * image));
        }
        Session session(model, {.micro_batches = std::vector<int32_t>(graph.exits(), n)});
        const std::vector<float> got = answers(session, batch, n, graph);
        for (size_t i = 0; i < order.size(); ++i) {
          differing += std::memcmp(&got[i * row], &want[order[i] * row], row * sizeof(float)) == 0 ? 0 : 1;
        }
        left -= n;
        drawn += n;
      }
    }
    EXPECT_GE(drawn, 100'000 / share);
    EXPECT_EQ(differing, 0) << to_string(precision);
    fmt::print("{}: {} draws, {} with another bit\n", to_string(precision), drawn, differing);
  }
}

}  // namespace
}  // namespace sooner
