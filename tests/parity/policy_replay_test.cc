// Every policy decides from a table of logits what it decides in the engine: exits, answers, reasons and the scores'
// bits.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <set>

#include "policy/scores.h"
#include "runtime/session.h"
#include "support/fake_clock.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "support/timed_backend.h"
#include "tune/tables/logit_table.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr int64_t kSamples = 60;
constexpr size_t kExits = 4, kClasses = 5;

struct Recorded {
  std::shared_ptr<const Model> model;
  std::vector<float> images;
  LogitTable table;
};

Recorded record(const std::string& backend) {
  Recorded recorded;
  ModelFile file;
  const Graph& graph = file.manifest.graph =
      build_network({"resnet8:w4", "fractions:.2,.4,.7", "gap-fc", "both"}, {2, 9, 9}, kClasses);
  file.tensors = test::random_weights(graph, 3);  // exits that disagree now and then
  recorded.model = Model::from_file(file, {backend, Precision::kF32, 8});
  recorded.images = test::random_images(graph, kSamples, 2);
  LogitTable& table = recorded.table;
  table.samples = kSamples;
  table.exits = kExits;
  table.classes = kClasses;
  table.exit_cost = recorded.model->cost().exit_fraction;
  table.labels.assign(kSamples, 1);
  table.logits.resize(kSamples * kExits * kClasses);
  table.gates.resize(kSamples * (kExits - 1));
  Session session(recorded.model, make_policy({}, policy_context(table)));
  session.run_all_exits(recorded.images, kSamples, table.logits, table.gates);
  return recorded;
}

void expect_same(const Replay& replayed, size_t sample, const Result& result) {
  EXPECT_EQ(replayed.exit_index[sample], result.exit_index) << sample;
  EXPECT_EQ(replayed.label[sample], result.label) << sample;
  EXPECT_EQ(replayed.left[sample], result.left) << sample;
  EXPECT_EQ(std::bit_cast<uint32_t>(replayed.score[sample]), std::bit_cast<uint32_t>(result.score)) << sample;
}

TEST(PolicyReplay, DecidesAsTheEngineForEveryPolicy) {
  for (const std::string& backend : backend_names()) {
    Recorded recorded = record(backend);
    LogitTable& table = recorded.table;
    table.elapsed_seconds.assign(kSamples * kExits, 0);
    table.stage_seconds.assign(kExits, 0);
    const PolicyContext context = policy_context(table);
    ASSERT_TRUE(context.has_gates);
    bool another_answer = false, abstained = false;
    for (const PolicySpec& spec : test::every_policy(context, table.logits, table.gates)) {
      SCOPED_TRACE(backend + " " + spec.name);
      const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, context);
      const Replay replayed = replay(table, *policy);
      Session session(recorded.model, policy, {.stage_seconds = table.stage_seconds});
      const std::span<const Result> results = session.run(recorded.images, kSamples);
      std::set<int32_t> exits;
      for (size_t i = 0; i < results.size(); ++i) {
        expect_same(replayed, i, results[i]);
        exits.insert(results[i].exit_index);
        const int32_t own = argmax(table.at(static_cast<int64_t>(i), results[i].exit_index));
        another_answer = another_answer || own != results[i].label;
        abstained = abstained || results[i].left == Left::kAbstains;
        EXPECT_TRUE(results[i].probability > 0 && results[i].probability <= 1);
      }
      EXPECT_GT(exits.size(), 1U) << "the policy leaves no choice";
    }
    EXPECT_TRUE(another_answer) << "no ensemble answered otherwise than its exit";
    EXPECT_TRUE(abstained);
  }
}

TEST(PolicyReplay, DecidesByRecordedTimesAsTheEngineByItsClock) {
  Recorded recorded = record("ref");
  LogitTable& table = recorded.table;
  const PolicyContext context = policy_context(table);
  table.stage_seconds = {0.5, 0.25, 0.5, 1};
  table.elapsed_seconds.resize(kSamples * kExits);
  PolicySpec spec = test::every_policy(context, table.logits, table.gates)[0];
  spec.wrappers.deadline_seconds = 4;
  const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, context);
  // Every reading of the clock moves it on by as much as the sample's number says.
  double now = 100, step = 0;
  const test::ScriptedClock clock([&] { return now += step; });
  Session session(recorded.model, policy, {.stage_seconds = table.stage_seconds, .clock = &clock});
  std::vector<Result> results;
  const size_t image = recorded.images.size() / kSamples;
  for (size_t i = 0; i < kSamples; ++i) {
    step = 0.0625 * static_cast<double>(i);
    for (size_t k = 0; k < kExits; ++k) table.elapsed_seconds[i * kExits + k] = step * static_cast<double>(k + 1);
    results.push_back(session.run(std::span(recorded.images).subspan(i * image, image), 1)[0]);
  }
  const Replay replayed = replay(table, *policy);
  std::set<Left> reasons;
  for (size_t i = 0; i < results.size(); ++i) {
    expect_same(replayed, i, results[i]);
    reasons.insert(results[i].left);
  }
  EXPECT_TRUE(reasons.contains(Left::kByPolicy) && reasons.contains(Left::kByDeadline));
}

// Notes what one sample's policy is shown of time.
class Noting final : public ExitPolicy {
 public:
  explicit Noting(std::shared_ptr<const ExitPolicy> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes(); }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override { return inner_->needs_exit(exit_index); }
  [[nodiscard]] bool needs_times() const override { return inner_->needs_times(); }
  [[nodiscard]] double deadline_seconds() const override { return inner_->deadline_seconds(); }
  ExitVerdict decide(const ExitObservation& seen, std::span<std::byte> state) const override {
    if (std::isfinite(seen.elapsed_seconds)) {
      elapsed[static_cast<size_t>(seen.exit_index)] = seen.elapsed_seconds;
      next[static_cast<size_t>(seen.exit_index)] = seen.next_stage_seconds;
    }
    return inner_->decide(seen, state);
  }
  mutable std::array<double, kExits> elapsed = {}, next = {};

 private:
  std::shared_ptr<const ExitPolicy> inner_;
};

// Samples of one call that wait for each other, on a machine that is now faster, now slower than told.
TEST(PolicyReplay, DecidesByRecordedWaitsAsTheEngineWhereSamplesWait) {
  Recorded recorded = record("ref");
  LogitTable& table = recorded.table;
  const PolicyContext context = policy_context(table);
  ModelFile file;
  file.manifest = recorded.model->manifest();
  file.tensors = test::random_weights(file.manifest.graph, 3);
  test::FakeClock clock(5);
  Rng rng(4);
  const test::TimedBackend backend(clock, [&](size_t, int32_t) { return 0.0625 * static_cast<double>(rng.below(24)); });
  const auto model = Model::compile(file, backend, {.batch_max = 8});
  table.stage_seconds = {0.5, 0.75, 0.5, 1};
  int64_t at_once = 0, after_waiting = 0, later = 0;
  for (int draw = 0; draw < 30; ++draw) {
    PolicySpec spec = test::every_policy(context, table.logits, table.gates)[static_cast<size_t>(draw % 4)];
    spec.wrappers.deadline_seconds = 0.5 * static_cast<double>(4 + rng.below(60));
    spec.wrappers.surest_so_far = draw % 3 == 0;
    const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, context);
    std::vector<std::unique_ptr<Noting>> noting;
    std::vector<const ExitPolicy*> policies;
    for (size_t i = 0; i < kSamples; ++i) {
      noting.push_back(std::make_unique<Noting>(policy));
      policies.push_back(noting.back().get());
    }
    Session session(model, policy,
                    {.micro_batches = {8, 3, 5, 8}, .stage_seconds = table.stage_seconds, .clock = &clock});
    const std::span<const Result> results = session.run(recorded.images, kSamples, {.policies = policies});
    table.elapsed_seconds.assign(kSamples * kExits, 0);
    table.wait_seconds.assign(kSamples * (kExits - 1), 0);
    for (size_t i = 0; i < kSamples; ++i) {
      const auto exit = static_cast<size_t>(results[i].exit_index);
      for (size_t k = 0; k <= exit; ++k) {
        table.elapsed_seconds[i * kExits + k] = noting[i]->elapsed[k];
        if (k + 1 == kExits) continue;
        double& wait = table.wait_seconds[i * (kExits - 1) + k];
        wait = noting[i]->next[k] - table.stage_seconds[k + 1];
        if (k == exit) wait = std::max(wait, results[i].elapsed_seconds - noting[i]->elapsed[k]);
      }
      if (results[i].left != Left::kByDeadline) continue;
      ++(results[i].elapsed_seconds > noting[i]->elapsed[exit] ? after_waiting : at_once);
      later += exit > 0 ? 1 : 0;
    }
    validate(table);
    const Replay replayed = replay(table, *policy);
    for (size_t i = 0; i < kSamples; ++i) expect_same(replayed, i, results[i]);
  }
  EXPECT_GT(at_once, 50);
  EXPECT_GT(after_waiting, 20);
  EXPECT_GT(later, 20);
}

// Of a network that answers with a number: the same, and the number is what the exit taken says.
TEST(PolicyReplay, DecidesAsTheEngineAboutNumbers) {
  for (const std::string& backend : backend_names()) {
    ModelFile file;
    const Graph& graph = file.manifest.graph =
        build_network({"resnet8:w4", "fractions:.2,.4,.7", "gap-fc", "none"}, {2, 9, 9}, 1);
    file.manifest.quantity = Quantity{"angle", "degrees"};
    file.tensors = test::random_weights(graph, 3);
    const auto model = Model::from_file(file, {backend, Precision::kF32, 8});
    const std::vector<float> images = test::random_images(graph, kSamples, 2);
    LogitTable table{.samples = kSamples, .exits = kExits, .classes = 1};
    table.exit_cost = model->cost().exit_fraction;
    table.targets.assign(kSamples, 0.5F);
    table.logits.resize(kSamples * kExits);
    table.gates.resize(kSamples * (kExits - 1));
    Session(model, make_policy({}, policy_context(table))).run_all_exits(images, kSamples, table.logits, table.gates);
    const PolicyContext context = policy_context(table);
    PolicySpec patience{.name = "patience"};
    patience = test::with_thresholds(patience, context, table.logits, table.gates);
    PolicySpec unsure = patience, capped = patience;
    unsure.wrappers.abstain_below = patience.thresholds.back();
    capped.wrappers.cap = 2;
    PolicySpec either{.name = "any"};
    either.parts = {patience, {.name = "always", .settings = {{"exit", 2}}}};
    for (const PolicySpec& spec : {patience, unsure, capped, either, PolicySpec{.name = "never"}}) {
      SCOPED_TRACE(backend + " " + spec.name);
      const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, context);
      const Replay replayed = replay(table, *policy);
      Session session(model, policy);
      const std::span<const Result> results = session.run(images, kSamples);
      std::set<int32_t> exits;
      for (size_t i = 0; i < results.size(); ++i) {
        expect_same(replayed, i, results[i]);
        exits.insert(results[i].exit_index);
        EXPECT_EQ(results[i].number, table.at(static_cast<int64_t>(i), results[i].exit_index)[0]);
        EXPECT_TRUE(std::isnan(results[i].probability));
      }
      EXPECT_FALSE(exits.contains(0));
      EXPECT_EQ(exits.size() > 1, spec.name != "never");
    }
  }
}

}  // namespace
}  // namespace sooner
