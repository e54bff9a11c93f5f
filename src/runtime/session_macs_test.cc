// What a session executed for each sample: counted as steps ran, told by the runner, and as the graph says.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "backend/counting_backend.h"
#include "runtime/session.h"
#include "support/every_engine.h"

namespace sooner {
namespace {

using test::cascade_net;
using test::expect_same;
using test::file_of;
using test::mixed_policy;
using test::policy_for;
using test::random_images;
using test::small_net;

class SessionMacs : public test::EveryEngine {};

TEST_P(SessionMacs, ExecutedMacsAreTheGraphsForEverySample) {
  for (const Graph& graph : {small_net(), cascade_net()}) {
    constexpr int64_t kSamples = 29;
    const std::vector<float> images = random_images(graph, kSamples, 5);
    const auto ledger = std::make_shared<MacLedger>();
    const CountingBackend backend(make_backend(GetParam().backend), ledger);
    const auto counted = Model::compile(file_of(graph), backend, {GetParam().backend, GetParam().precision, 8});
    const auto policy = policy_for(graph, mixed_policy(counted, images, kSamples));
    Session session(counted, policy);
    ledger->reset(kSamples);
    const std::span<const Result> results = session.run(images, kSamples);
    const std::vector<int64_t> macs = ledger->macs();
    const GraphCost cost = compute_cost(graph);
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(macs[i], cost.exit_macs[static_cast<size_t>(results[i].exit_index)]) << "sample " << i;
    }
    EXPECT_EQ(ledger->strays(), 0);
  }
}

TEST_P(SessionMacs, AFixedExitPaysForEarlierHeadsOnlyWhereTheyAreRead) {
  for (const Graph& graph : {small_net(), cascade_net()}) {
    const std::vector<float> images = random_images(graph, 5, 5);
    const auto ledger = std::make_shared<MacLedger>();
    const CountingBackend backend(make_backend(GetParam().backend), ledger);
    const auto counted = Model::compile(file_of(graph), backend, {GetParam().backend, GetParam().precision, 4});
    const GraphCost cost = compute_cost(graph);
    int64_t before = 0;
    for (size_t k = 0; k < graph.exits(); ++k) {
      Session session(counted, policy_for(graph, {.name = "always",
                                                  .thresholds = {},
                                                  .temperatures = {},
                                                  .settings = {{"exit", static_cast<int32_t>(k)}}}));
      ledger->reset(5);
      for (const Result& result : session.run(images, 5)) EXPECT_EQ(result.exit_index, static_cast<int32_t>(k));
      const StageCost& stage = cost.stages[k];
      for (const int64_t macs : ledger->macs()) EXPECT_EQ(macs, before + stage.trunk_macs + stage.head_macs);
      before += stage.trunk_macs + stage.head_macs - stage.skippable_macs;
    }
    const bool cascades = cost.stages[0].skippable_macs < cost.stages[0].head_macs;
    EXPECT_EQ(cascades, graph.nodes.size() > small_net().nodes.size());
  }
}

// Counted as primitives ran, told by the runner, and as replays pay: three ways to the same number.
TEST_P(SessionMacs, AnExitThatLetsNobodyGoIsNotPaidUnlessALaterHeadReadsIt) {
  for (const Graph& graph : {small_net(), cascade_net()}) {
    const std::vector<float> images = random_images(graph, 6, 5);
    const auto ledger = std::make_shared<MacLedger>();
    const CountingBackend backend(make_backend(GetParam().backend), ledger);
    const auto counted = Model::compile(file_of(graph), backend, {GetParam().backend, GetParam().precision, 4});
    constexpr double kNobody = std::numeric_limits<double>::infinity();
    const GraphCost cost = compute_cost(graph);
    for (const std::vector<double>& thresholds : {std::vector<double>{kNobody, -kNobody}, {kNobody, kNobody}}) {
      Session session(counted, policy_for(graph, {.name = "margin", .thresholds = Threshold::scores(thresholds)}));
      ledger->reset(6);
      const std::span<const Result> results = session.run(images, 6);
      const std::vector<int64_t> macs = ledger->macs();
      for (size_t i = 0; i < results.size(); ++i) {
        const size_t exit = thresholds[1] == kNobody ? 2 : 1;
        ASSERT_EQ(results[i].exit_index, static_cast<int32_t>(exit));
        int64_t want = cost.exit_macs[exit] - cost.stages[0].skippable_macs;
        if (exit == 2) want -= cost.stages[1].skippable_macs;
        EXPECT_EQ(macs[i], want);
        EXPECT_EQ(results[i].macs, want);
      }
      EXPECT_EQ(cost.stages[0].skippable_macs > 0, graph.nodes.size() == small_net().nodes.size());
    }
    // Who remembers pays.
    Session patient(counted,
                    policy_for(graph, {.name = "patience", .thresholds = Threshold::scores({kNobody, kNobody})}));
    for (const Result& result : patient.run(images, 6)) EXPECT_EQ(result.macs, cost.exit_macs[2]);
  }
}

TEST_P(SessionMacs, ACapBoundsEverySamplesWork) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 6, 5);
  const auto ledger = std::make_shared<MacLedger>();
  const CountingBackend backend(make_backend(GetParam().backend), ledger);
  const auto counted = Model::compile(file_of(graph), backend, {GetParam().backend, GetParam().precision, 4});
  constexpr double kNobody = std::numeric_limits<double>::infinity();
  PolicySpec spec{.name = "margin",
                  .thresholds = Threshold::scores({kNobody, kNobody}),
                  .temperatures = {},
                  .wrappers = {.cap = 1}};
  Session session(counted, policy_for(graph, spec));
  ledger->reset(6);
  for (const Result& result : session.run(images, 6)) {
    EXPECT_EQ(result.exit_index, 1);
    EXPECT_EQ(result.left, Left::kByCap);
  }
  // The first exit lets nobody go, so its head is not paid.
  const GraphCost cost = compute_cost(graph);
  for (const int64_t macs : ledger->macs()) EXPECT_EQ(macs, cost.exit_macs[1] - cost.stages[0].head_macs);
}

// Nothing is computed twice, and everybody is told the same as with real exits.
TEST_P(SessionMacs, TablesOfEveryExitTellTheAnswersOfRealExits) {
  for (const Graph& graph : {small_net(), cascade_net()}) {
    constexpr int64_t kSamples = 31;
    const std::vector<float> images = random_images(graph, kSamples, 5);
    const auto ledger = std::make_shared<MacLedger>();
    const CountingBackend backend(make_backend(GetParam().backend), ledger);
    const auto counted = Model::compile(file_of(graph), backend, {GetParam().backend, GetParam().precision, 8});
    std::vector<float> logits(kSamples * 12), gates(kSamples * 2);
    Session(counted, policy_for(graph, {})).run_all_exits(images, kSamples, logits, gates);
    const PolicyContext context{.exits = 3, .classes = 4, .has_gates = true};
    std::vector<PolicySpec> specs = test::every_policy(context, logits, gates);
    constexpr double kNobody = std::numeric_limits<double>::infinity();
    specs.push_back({.name = "margin", .thresholds = Threshold::scores({kNobody, -kNobody})});
    for (const PolicySpec& spec : specs) {
      const auto policy = policy_for(graph, spec);
      const SessionOptions options{.stage_seconds = {0, 0, 0}};
      Session real(counted, policy, options), table(counted, policy, options);
      ledger->reset(kSamples);
      std::vector<float> again(logits.size()), gates_again(gates.size());
      const std::span<const Result> got = table.run_all_exits(images, kSamples, again, gates_again);
      for (const int64_t macs : ledger->macs()) ASSERT_EQ(macs, counted->cost().total_macs);
      EXPECT_EQ(again, logits);
      EXPECT_EQ(gates_again, gates);
      if (policy->needs_times()) {
        EXPECT_TRUE(got.empty());
        continue;
      }
      const std::span<const Result> want = real.run(images, kSamples);
      expect_same(got, want);
      for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(got[i].macs, want[i].macs) << policy->name() << ' ' << i;
      EXPECT_TRUE(std::ranges::equal(table.logits(), real.logits()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SessionMacs, testing::ValuesIn(test::engines()), test::engine_name);

}  // namespace
}  // namespace sooner
