#include "format/new_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/keep_exits.h"
#include "support/message_of.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Graph plain_network() { return build_network({"b-lenet", "none", "gap-fc", "none"}, {3, 9, 9}, 2); }

TEST(ImportedModel, SaysThatItsTrainingIsUnknownAndWhatItsNumbersMean) {
  const Graph graph = plain_network();
  const ModelFile model =
      imported_model(graph, test::random_weights(graph, 1), {.mean = {0.5}, .std = {0.1, 0.2, 0.3}});
  EXPECT_TRUE(model.manifest.provenance.trained_elsewhere);
  EXPECT_EQ(model.manifest.provenance.data_hash, "");
  EXPECT_EQ(model.manifest.policy.name, "never");
  EXPECT_FALSE(policy_context(model.manifest).has_gates);
  EXPECT_THAT(model.manifest.class_names, ElementsAre("0", "1"));
  EXPECT_THAT(model.manifest.preprocessing.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(model.manifest.preprocessing.std, ElementsAre(0.1, 0.2, 0.3));
  EXPECT_EQ(model.manifest.preprocessing.channel_order, "RGB");
}

TEST(ImportedModel, RefusesFactsThatDoNotFit) {
  const Graph graph = plain_network();
  const auto refusal = [&](const ImportedFacts& facts) {
    return message_of(Code::kInvalidArgument,
                      [&] { static_cast<void>(imported_model(graph, test::random_weights(graph, 1), facts)); });
  };
  EXPECT_THAT(refusal({.class_names = {"cat"}}), HasSubstr("got 1 names of classes, the network tells 2 apart"));
  EXPECT_THAT(refusal({.mean = {0.5, 0.5}}), HasSubstr("mean"));
  EXPECT_THAT(refusal({.std = {0.5, 0.5}}), HasSubstr("deviation"));
}

}  // namespace
}  // namespace sooner
