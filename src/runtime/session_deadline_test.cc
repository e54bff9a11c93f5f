// Deadlines hold while samples wait: on a machine that takes as long as it says, and on one that does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rng.h"
#include "runtime/carried_rows.h"
#include "runtime/session.h"
#include "support/random_weights.h"
#include "support/timed_backend.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Graph two_stages() { return build_network({"b-lenet", "names:conv1", "gap-fc", "none"}, {1, 9, 7}, 4); }
Graph three_stages() { return build_network({"b-lenet", "names:conv1,relu2", "gap-fc", "none"}, {1, 9, 7}, 4); }

std::shared_ptr<const ExitPolicy> in_time(const Graph& graph, double deadline, int32_t exit) {
  PolicySpec spec;
  spec.name = exit < 0 ? "never" : "always";
  if (exit > 0) spec.settings.set("exit", int64_t{exit});
  spec.wrappers.deadline_seconds = deadline;
  return make_policy(spec,
                     {.exits = static_cast<int32_t>(graph.exits()), .classes = static_cast<int32_t>(graph.classes)});
}

std::shared_ptr<const Model> timed_model(const Graph& graph, test::FakeClock& clock,
                                         const std::function<double(size_t)>& seconds) {
  ModelFile file;
  file.manifest.graph = graph;
  file.tensors = test::random_weights(graph, 1);
  const test::TimedBackend backend(clock, [seconds](size_t stage, int32_t) { return seconds(stage); });
  return Model::compile(file, backend, {.batch_max = 64});
}

// Stage times 1 and 3, micro-batches of 32; the first sample would stay, the others leave at the first exit.
class OneOfManyStays : public testing::Test {
 protected:
  std::vector<Result> answers(int64_t n, double deadline, std::function<double(size_t)> takes) {
    const Graph graph = two_stages();
    test::FakeClock clock(1000);
    const auto model = timed_model(graph, clock, std::move(takes));
    const auto stays = in_time(graph, deadline, -1), leaves = in_time(graph, deadline, 0);
    std::vector<const ExitPolicy*> policies(static_cast<size_t>(n), leaves.get());
    policies[0] = stays.get();
    Session session(model, stays, {.micro_batches = {32, 32}, .stage_seconds = {1, 3}, .clock = &clock});
    const std::span<const Result> results = session.run(test::random_images(graph, n, 5), n, {.policies = policies});
    return {results.begin(), results.end()};
  }
  std::vector<Result> answers(int64_t n, double deadline) {
    return answers(n, deadline, [](size_t k) { return k == 0 ? 1.0 : 3.0; });
  }
};

TEST_F(OneOfManyStays, IsNotLetOnWhereTheOthersFirstStageComesBetween) {
  const std::vector<Result> results = answers(64, 4.5);
  EXPECT_EQ(results[0].exit_index, 0);
  EXPECT_EQ(results[0].left, Left::kByDeadline);
  EXPECT_EQ(results[0].elapsed_seconds, 1);
  for (const Result& result : results) EXPECT_LE(result.elapsed_seconds, 4.5);
  EXPECT_EQ(results[63].elapsed_seconds, 2);
}

TEST_F(OneOfManyStays, IsLetOnWhereItsWaitAndItsStageJustFit) {
  const std::vector<Result> results = answers(64, 5);
  EXPECT_EQ(results[0].exit_index, 1);
  EXPECT_EQ(results[0].left, Left::kAtLastExit);
  EXPECT_EQ(results[0].elapsed_seconds, 5);
  EXPECT_EQ(answers(32, 4.5)[0].elapsed_seconds, 4);
}

TEST_F(OneOfManyStays, CountsAWaitOfThirtyOneMicroBatches) {
  EXPECT_EQ(answers(1000, 34.5)[0].elapsed_seconds, 1);
  EXPECT_EQ(answers(1000, 34.5)[0].left, Left::kByDeadline);
  EXPECT_EQ(answers(1000, 35)[0].elapsed_seconds, 35);
  EXPECT_EQ(answers(1000, 35)[0].exit_index, 1);
}

TEST_F(OneOfManyStays, IsAnsweredWithWhatItHasWhereTheOthersTakeLongerThanTold) {
  // It is let on at 1; the second micro-batch ends at 3.5 rather than 2, too late for a stage of 3.
  int passes = 0;
  const std::vector<Result> late = answers(64, 6, [&](size_t) { return passes++ == 0 ? 1 : 2.5; });
  EXPECT_EQ(late[0].exit_index, 0);
  EXPECT_EQ(late[0].left, Left::kByDeadline);
  EXPECT_EQ(late[0].elapsed_seconds, 3.5);
  EXPECT_GE(late[0].label, 0);
  EXPECT_GT(late[0].probability, 0);
  // What it has is what it would have been answered at once.
  const Result at_once = answers(64, 4.5)[0];
  EXPECT_EQ(late[0].label, at_once.label);
  EXPECT_EQ(late[0].score, at_once.score);
  EXPECT_EQ(late[0].probability, at_once.probability);
  EXPECT_EQ(late[0].macs, at_once.macs);
}

// Three stages of random length, micro-batches and deadlines, samples that would leave anywhere.
TEST(Deadlines, AreKeptByEveryAnswerButAFirstExitsOwn) {
  const Graph graph = three_stages();
  test::FakeClock clock;
  std::vector<double> takes(3);
  const auto model = timed_model(graph, clock, [&](size_t k) { return takes[k]; });
  const std::vector<float> images = test::random_images(graph, 100, 5);
  Rng rng(11);
  int64_t stopped = 0, beyond_the_first = 0;
  for (int draw = 0; draw < 400; ++draw) {
    for (double& seconds : takes) seconds = 0.25 * static_cast<double>(1 + rng.below(12));
    std::vector<int32_t> rows(3);
    for (int32_t& count : rows) count = static_cast<int32_t>(1 + rng.below(8));
    const auto n = static_cast<int64_t>(1 + rng.below(40));
    const double deadline = 0.25 * static_cast<double>(1 + rng.below(120));
    std::vector<std::shared_ptr<const ExitPolicy>> choices;
    for (int32_t exit = -1; exit < 2; ++exit) choices.push_back(in_time(graph, deadline, exit));
    std::vector<const ExitPolicy*> policies;
    for (int64_t i = 0; i < n; ++i) policies.push_back(choices[rng.below(3)].get());
    Session session(model, choices[0], {.micro_batches = rows, .stage_seconds = takes, .clock = &clock});
    const size_t floats = static_cast<size_t>(n) * 63;
    for (const Result& result : session.run(std::span(images).first(floats), n, {.policies = policies})) {
      ASSERT_GE(result.exit_index, 0);
      stopped += result.left == Left::kByDeadline ? 1 : 0;
      if (result.exit_index == 0) continue;
      ++beyond_the_first;
      EXPECT_LE(result.elapsed_seconds, deadline);
    }
  }
  EXPECT_GT(stopped, 500);
  EXPECT_GT(beyond_the_first, 500);
}

TEST(Deadlines, GoOnBehindACutWithWhatIsLeft) {
  const Graph graph = three_stages();
  const auto run = [&](double deadline, double on_the_way) {
    test::FakeClock clock(50), other(7);
    const auto here = timed_model(graph, clock, [](size_t) { return 1; });
    const auto there = timed_model(graph, other, [](size_t) { return 1; });
    const auto policy = in_time(graph, deadline, -1);
    SessionOptions options{.stage_seconds = {1, 1, 1}, .clock = &clock};
    Session first(here, policy, options);
    std::vector<std::byte> bytes;
    first.run_to_cut(test::random_images(graph, 3, 5), 3, 0, bytes);
    const CarriedRows rows = parse_carried(bytes);
    EXPECT_EQ(rows.rows[0].spent_seconds, 1);
    EXPECT_EQ(rows.rows[0].left_seconds, deadline - 1);
    options.clock = &other;
    options.stage_seconds[1] = 1 + on_the_way;
    Session second(there, policy, options);
    return std::vector<Result>{second.resume(bytes)[0]}[0];
  };
  const Result whole = run(3, 0);
  EXPECT_EQ(whole.exit_index, 2);
  EXPECT_EQ(whole.elapsed_seconds, 3);
  const Result shorter = run(2.5, 0);
  EXPECT_EQ(shorter.exit_index, 1);
  EXPECT_EQ(shorter.left, Left::kByDeadline);
  EXPECT_EQ(shorter.elapsed_seconds, 2);
  // Behind the cut stages are slower than was thought before it: it is answered with what it carries.
  const Result carried = run(2.5, 1);
  EXPECT_EQ(carried.exit_index, 0);
  EXPECT_EQ(carried.left, Left::kByDeadline);
  EXPECT_EQ(carried.elapsed_seconds, 1);
}

TEST(Deadlines, AreToldWithTheTimesWhereNobodyHasOne) {
  const Graph graph = two_stages();
  test::FakeClock clock(3);
  const auto model = timed_model(graph, clock, [](size_t k) { return k == 0 ? 0.5 : 2; });
  Session session(model, in_time(graph, kInfinity, -1), {.clock = &clock, .tells_times = true});
  EXPECT_EQ(session.run(test::random_images(graph, 1, 5), 1)[0].elapsed_seconds, 2.5);
  Session silent(model, in_time(graph, kInfinity, -1), {.clock = &clock});
  EXPECT_TRUE(std::isnan(silent.run(test::random_images(graph, 1, 5), 1)[0].elapsed_seconds));
}

}  // namespace
}  // namespace sooner
