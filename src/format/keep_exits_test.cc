#include "format/keep_exits.h"

#include <gtest/gtest.h>

#include "golden/tiny_model.h"
#include "graph/parameters.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

TEST(KeepExitsOfAModel, RenamesGatesAndSelectsRecordedLogits) {
  ModelFile model;
  const NetworkDescription description{.backbone = "resnet8:w8", .exits = "every", .head = "gap-fc", .gate = "both"};
  model.manifest = made_up_manifest(build_network(description, {3, 8, 8}, 10));
  model.tensors = made_up_weights(model.manifest.graph);
  add_check_samples(model, 2);
  const size_t exits = model.manifest.graph.exits();
  ASSERT_EQ(exits, 4U);
  const std::vector<size_t> kept = {1};
  const ModelFile fewer = parse_model(serialize_model(keep_exits(model, kept)), "fewer");
  EXPECT_EQ(fewer.manifest.graph.exits(), 2U);
  EXPECT_EQ(fewer.manifest.policy.name, "never");
  const auto values = [](const ModelFile& file, const std::string& name) {
    const std::span<const float> floats = file.tensors.at(name).floats();
    return std::vector<float>(floats.begin(), floats.end());
  };
  EXPECT_EQ(values(fewer, gate_features_name(0)), values(model, gate_features_name(1)));
  EXPECT_EQ(values(fewer, "layer3.0.conv1.weight"), values(model, "layer3.0.conv1.weight"));
  const std::vector<float> all = values(model, "sooner.check.logits");
  const std::vector<float> some = values(fewer, "sooner.check.logits");
  ASSERT_EQ(all.size(), 2 * exits * 10);
  ASSERT_EQ(some.size(), 2U * 2 * 10);
  for (size_t c = 0; c < 10; ++c) {
    EXPECT_EQ(some[c], all[10 + c]);                 // sample 0, exit 1
    EXPECT_EQ(some[20 + 10 + c], all[40 + 30 + c]);  // sample 1, last exit
  }
  EXPECT_EQ(values(fewer, "sooner.check.gates")[1], values(model, "sooner.check.gates")[3 + 1]);

  const ModelFile plain = parse_model(serialize_model(keep_exits(model, {})), "plain");
  EXPECT_EQ(plain.manifest.graph.exits(), 1U);
  EXPECT_FALSE(plain.tensors.contains("sooner.check.gates"));
}

}  // namespace
}  // namespace sooner
