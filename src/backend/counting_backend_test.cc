#include "backend/counting_backend.h"

#include <gmock/gmock.h>

#include "check/check.h"
#include "graph/cost.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(MacLedger, AddsUpPerSample) {
  MacLedger ledger;
  ledger.reset(3);
  ledger.add(1, 5);
  ledger.add(1, 2);
  ledger.add(2, 1);
  ledger.add(3, 100);
  ledger.add(uint64_t{1} << 40U, 100);
  EXPECT_THAT(ledger.macs(), ElementsAre(0, 7, 1));
  EXPECT_EQ(ledger.strays(), 2);
  ledger.reset(1);
  EXPECT_THAT(ledger.macs(), ElementsAre(0));
  EXPECT_EQ(ledger.strays(), 0);
}

TEST(CountingBackend, CountsEveryStepForEverySamplePresent) {
  const Graph graph = build_network({"b-lenet", "names:conv1", "gap-fc", "both"}, {1, 9, 9}, 4);
  const TensorMap weights = test::random_weights(graph, 1);
  const std::vector<float> images = test::random_images(graph, 5, 1);
  const auto ledger = std::make_shared<MacLedger>();
  const CountingBackend counting(make_backend("ref"), ledger);
  EXPECT_EQ(counting.name(), "ref");
  ledger->reset(5);
  const AllLogits counted = run_every_exit(graph, weights, counting, {.batch_max = 2}, images);
  EXPECT_THAT(ledger->macs(), Each(compute_cost(graph).total_macs));
  // Counting changes nothing.
  EXPECT_EQ(counted.logits, run_every_exit(graph, weights, *make_backend("ref"), {.batch_max = 2}, images).logits);
}

}  // namespace
}  // namespace sooner
