// Exits attached to a finished network leave its answers as they are, to the bit: on every backend, in every precision,
// wherever they stand.
#include <gmock/gmock.h>

#include "format/new_model.h"
#include "runtime/session.h"
#include "support/engines.h"
#include "support/error_of.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/initial_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

// Of every sample's last exit, nobody leaving before.
std::vector<float> last_answers(const ModelFile& file, const test::Engine& engine, std::span<const float> images,
                                int64_t n) {
  const Graph& graph = file.manifest.graph;
  Session session(Model::from_file(file, {.backend = engine.backend, .precision = engine.precision, .batch_max = 4}));
  const size_t exits = graph.exits(), classes = static_cast<size_t>(graph.classes);
  std::vector<float> logits(static_cast<size_t>(n) * exits * classes), last;
  std::vector<float> gates(static_cast<size_t>(n) * (exits - 1));
  session.run_all_exits(images, n, logits, gates);
  for (size_t i = exits - 1; i < static_cast<size_t>(n) * exits; i += exits) {
    last.insert(last.end(), logits.begin() + static_cast<std::ptrdiff_t>(i * classes),
                logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes));
  }
  return last;
}

void quantise(ModelFile& file) {
  file.manifest.quantisation = test::measured_quantisation(file.manifest.graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
}

class Attach : public testing::TestWithParam<test::Engine> {};

TEST_P(Attach, LeavesTheLastExitsBitsAlone) {
  constexpr int64_t kSamples = 6;
  const Graph graph = backbone_from_string(GetParam().network, {3, 16, 16}, 5);
  ModelFile plain = imported_model(graph, test::random_weights(graph, 2), {});
  const std::vector<float> images = test::random_images(graph, kSamples, 8);
  const bool int8 = GetParam().precision == Precision::kInt8;
  for (const char* exits : {"fractions:.4", "every"}) {
    const Graph with_exits = attach_described(graph, {"", exits, "gap-fc", "none"});
    ModelFile attached = attached_model(plain, with_exits, initial_weights(with_exits, 1));
    EXPECT_GT(attached.manifest.graph.exits(), 1U);
    if (int8) quantise(attached);
    if (int8 && !plain.manifest.quantisation) quantise(plain);
    EXPECT_EQ(last_answers(attached, GetParam(), images, kSamples), last_answers(plain, GetParam(), images, kSamples))
        << exits;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Attach,
                         testing::ValuesIn(test::engines({"b-lenet", "resnet8:w8", "mobilenetv2:w0.25:cifar",
                                                          "shufflenetv2:w0.5:cifar"})),
                         test::engine_name);

TEST(AttachedModel, IsMadeOfAPlainNetworkAlone) {
  const Graph graph = backbone_from_string("b-lenet", {1, 28, 28}, 5);
  const Graph with_exits = attach_described(graph, {"", "linear:2", "gap-fc", "none"});
  const ModelFile plain = imported_model(graph, test::random_weights(graph, 2), {});
  const ModelFile attached = attached_model(plain, with_exits, initial_weights(with_exits, 1));
  EXPECT_EQ(attached.manifest.provenance.regime, "attached");
  EXPECT_THAT(error_of([&] { attached_model(attached, with_exits, {}); }).what(),
              testing::HasSubstr("has 3 exits already, expected a plain network"));
}

}  // namespace
}  // namespace sooner
