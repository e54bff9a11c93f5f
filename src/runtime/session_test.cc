#include "runtime/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>

#include "backend/counting_backend.h"
#include "core/error.h"
#include "graph/keep_exits.h"
#include "runtime/carried_rows.h"
#include "runtime/session_group.h"
#include "support/error_of.h"
#include "support/fake_clock.h"
#include "support/measured_scales.h"
#include "support/message_of.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using test::random_images;
using test::random_weights;

struct Engine {
  std::string backend;
  Precision precision;
};

std::ostream& operator<<(std::ostream& out, const Engine& engine) {
  return out << engine.backend << ' ' << to_string(engine.precision);
}

// Every backend of this build in every precision this machine has.
std::vector<Engine> engines() {
  std::vector<Engine> result;
  for (const std::string& name : backend_names()) {
    if (name == "auto") continue;
    for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
      if (make_backend(name)->supports(precision)) result.push_back({name, precision});
    }
  }
  return result;
}

ModelFile file_of(const Graph& graph, uint64_t seed = 1) {
  ModelFile file;
  file.manifest.graph = graph;
  file.tensors = random_weights(graph, seed);
  file.manifest.quantisation = test::measured_quantisation(graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
  return file;
}

Graph small_net() { return build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both"}, {2, 9, 7}, 4); }
// Every early head but the first reads the answer before its own.
Graph cascade_net() {
  return build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both", /*cascade=*/true}, {2, 9, 7}, 4);
}

std::shared_ptr<const ExitPolicy> policy_for(const Graph& graph, const PolicySpec& spec) {
  return make_policy(spec, {.exits = static_cast<int32_t>(graph.exits()),
                            .classes = static_cast<int32_t>(graph.classes),
                            .has_gates = true});
}

// Max-prob thresholds that let about a third of the samples leave at each exit.
PolicySpec mixed_policy(const std::shared_ptr<const Model>& model, std::span<const float> images, int64_t n) {
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

class EverySession : public testing::TestWithParam<Engine> {
 protected:
  [[nodiscard]] std::shared_ptr<const Model> model(const Graph& graph, int32_t batch_max) const {
    return Model::from_file(file_of(graph), {GetParam().backend, GetParam().precision, batch_max});
  }

  void expect_same_in_any_batch(const Graph& graph) const {
    constexpr int64_t kSamples = 37;
    const std::vector<float> images = random_images(graph, kSamples, 3);
    const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
    const auto alone = model(graph, 1);
    const auto policy = policy_for(graph, mixed_policy(alone, images, kSamples));
    Session one(alone, policy);
    const std::vector<Result> expected(one.run(images, kSamples).begin(), one.run(images, kSamples).end());
    const std::vector<float> expected_logits(one.logits().begin(), one.logits().end());
    std::vector<int> taken(graph.exits());
    for (const Result& result : expected) ++taken[static_cast<size_t>(result.exit_index)];
    for (const int count : taken) ASSERT_GT(count, 2) << "the policy leaves no choice";

    const auto many = model(graph, 16);
    Session session(many, policy);
    Rng rng(7);
    for (int draw = 0; draw < 12; ++draw) {
      std::vector<size_t> order(1 + rng.below(40));
      for (size_t& sample : order) sample = rng.below(kSamples);
      std::vector<float> batch;
      for (const size_t sample : order) {
        batch.insert(batch.end(), images.begin() + static_cast<ptrdiff_t>(sample * per_sample),
                     images.begin() + static_cast<ptrdiff_t>((sample + 1) * per_sample));
      }
      const std::span<const Result> results = session.run(batch, static_cast<int64_t>(order.size()));
      ASSERT_EQ(results.size(), order.size());
      for (size_t i = 0; i < order.size(); ++i) {
        const Result& want = expected[order[i]];
        EXPECT_EQ(results[i].exit_index, want.exit_index);
        EXPECT_EQ(results[i].label, want.label);
        EXPECT_EQ(results[i].left, want.left);
        EXPECT_EQ(std::bit_cast<uint32_t>(results[i].score), std::bit_cast<uint32_t>(want.score));
        EXPECT_EQ(std::bit_cast<uint32_t>(results[i].probability), std::bit_cast<uint32_t>(want.probability));
        for (size_t c = 0; c < 4; ++c) {
          EXPECT_EQ(std::bit_cast<uint32_t>(session.logits()[i * 4 + c]),
                    std::bit_cast<uint32_t>(expected_logits[order[i] * 4 + c]))
              << "sample " << order[i] << " at position " << i << " of " << order.size() << ", class " << c;
        }
      }
    }
  }

  void expect_all_exits_agree(const Graph& graph) const {
    const std::vector<float> images = random_images(graph, 9, 5);
    const auto compiled = model(graph, 4);
    std::vector<float> logits(9 * 3 * 4), gates(9 * 2);
    Session(compiled, policy_for(graph, {})).run_all_exits(images, 9, logits, gates);
    for (const float gate : gates) EXPECT_TRUE(gate > 0 && gate < 1) << gate;
    for (int32_t k = 0; k < 3; ++k) {
      Session session(
          compiled,
          policy_for(graph, {.name = "always", .thresholds = {}, .temperatures = {}, .settings = {{"exit", k}}}));
      static_cast<void>(session.run(images, 9));
      for (size_t i = 0; i < 9; ++i) {
        for (size_t c = 0; c < 4; ++c) {
          EXPECT_EQ(session.logits()[i * 4 + c], logits[(i * 3 + static_cast<size_t>(k)) * 4 + c]);
        }
      }
    }
  }
};

// Networks of real size for fast engines: kernels are chosen by extents.
std::vector<Graph> networks_for(const Engine& engine) {
  if (engine.backend == "ref") return {small_net()};
  return {small_net(), build_network({"b-lenet", "names:conv1", "branchy", "both"}, {1, 28, 28}, 4),
          build_network({"resnet20", "fractions:.30,.65", "conv-gap-fc", "both"}, {3, 32, 32}, 4)};
}

TEST_P(EverySession, AnswersAreTheSameAloneInAnyBatchPositionAndOrder) {
  for (const Graph& graph : networks_for(GetParam())) expect_same_in_any_batch(graph);
  expect_same_in_any_batch(cascade_net());
}

TEST_P(EverySession, ExecutedMacsAreTheGraphsForEverySample) {
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

TEST_P(EverySession, AFixedExitPaysForEarlierHeadsOnlyWhereTheyAreRead) {
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
TEST_P(EverySession, AnExitThatLetsNobodyGoIsNotPaidUnlessALaterHeadReadsIt) {
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

TEST_P(EverySession, ACapBoundsEverySamplesWork) {
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

TEST_P(EverySession, AllExitsAgreeWithTheExitsTaken) {
  for (const Graph& graph : {small_net(), cascade_net()}) expect_all_exits_agree(graph);
}

TEST_P(EverySession, ThreadsShareAModel) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 33, 5);
  const auto compiled = model(graph, 8);
  const auto policy = policy_for(graph, mixed_policy(compiled, images, 33));
  Session alone(compiled, policy);
  static_cast<void>(alone.run(images, 33));
  std::vector<std::vector<float>> answers(3);
  std::vector<std::thread> threads;
  for (std::vector<float>& answer : answers) {
    threads.emplace_back([&] {
      Session session(compiled, policy);
      for (int round = 0; round < 5; ++round) static_cast<void>(session.run(images, 33));
      answer.assign(session.logits().begin(), session.logits().end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& answer : answers) {
    EXPECT_EQ(std::memcmp(answer.data(), alone.logits().data(), answer.size() * sizeof(float)), 0);
  }
}

// A stage that wants few rows at a time.
class PiecemealStage final : public CompiledStage {
 public:
  explicit PiecemealStage(std::unique_ptr<const CompiledStage> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::span<const CarryTensor> carry_in() const override { return inner_->carry_in(); }
  [[nodiscard]] std::span<const CarryTensor> carry_out() const override { return inner_->carry_out(); }
  [[nodiscard]] std::span<const StepInfo> steps() const override { return inner_->steps(); }
  [[nodiscard]] size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  [[nodiscard]] int32_t rows_at_once() const override { return 3; }
  [[nodiscard]] std::unique_ptr<StageContext> make_context() const override { return inner_->make_context(); }
  void run_step(size_t index, const StageBatch& batch, StageContext& context) const override {
    EXPECT_LE(batch.n, 3);
    inner_->run_step(index, batch, context);
  }
  [[nodiscard]] std::vector<float> read_result(size_t index, const StageBatch& batch,
                                               const StageContext& context) const override {
    return inner_->read_result(index, batch, context);
  }

 private:
  std::unique_ptr<const CompiledStage> inner_;
};

class PiecemealCompiler final : public StageCompiler {
 public:
  explicit PiecemealCompiler(std::unique_ptr<const StageCompiler> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::unique_ptr<const CompiledStage> compile(size_t stage) const override {
    return std::make_unique<const PiecemealStage>(inner_->compile(stage));
  }

 private:
  std::unique_ptr<const StageCompiler> inner_;
};

class PiecemealBackend final : public Backend {
 public:
  explicit PiecemealBackend(const std::string& name) : inner_(make_backend(name)) {}
  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] std::string instruction_set() const override { return inner_->instruction_set(); }
  [[nodiscard]] bool supports(Precision precision) const override { return inner_->supports(precision); }
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override {
    return std::make_unique<const PiecemealCompiler>(inner_->prepare(graph, weights, options));
  }

 private:
  std::unique_ptr<const Backend> inner_;
};

TEST_P(EverySession, AStageMayTakeItsRowsInParts) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 20, 5);
  const auto whole = model(graph, 8);
  const auto parts = Model::compile(file_of(graph), PiecemealBackend(GetParam().backend),
                                    {GetParam().backend, GetParam().precision, 8});
  const auto policy = policy_for(graph, mixed_policy(whole, images, 20));
  Session one(whole, policy), other(parts, policy);
  const std::span<const Result> want = one.run(images, 20), got = other.run(images, 20);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(want[i].exit_index, got[i].exit_index);
  EXPECT_EQ(std::memcmp(one.logits().data(), other.logits().data(), one.logits().size_bytes()), 0);
}

// A policy that remembers: a sample leaves when the margins of the exits seen so far add up to enough.
class SumOfMargins final : public ExitPolicy {
 public:
  explicit SumOfMargins(double enough) : enough_(enough) {}
  [[nodiscard]] std::string_view name() const override { return "sum-of-margins"; }
  [[nodiscard]] size_t state_bytes() const override { return sizeof(double); }
  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    double sum = 0;
    std::memcpy(&sum, state.data(), sizeof(sum));
    const auto [low, high] = std::ranges::minmax(observation.logits);
    sum += high - low;
    std::memcpy(state.data(), &sum, sizeof(sum));
    return {sum >= enough_ ? Left::kByPolicy : Left::kStays, static_cast<float>(sum)};
  }

 private:
  double enough_;
};

void expect_same(std::span<const Result> got, std::span<const Result> want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].exit_index, want[i].exit_index) << i;
    EXPECT_EQ(got[i].label, want[i].label) << i;
    EXPECT_EQ(got[i].left, want[i].left) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(got[i].score), std::bit_cast<uint32_t>(want[i].score)) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(got[i].probability), std::bit_cast<uint32_t>(want[i].probability)) << i;
  }
}

// Every policy there is, leaving some samples behind, and one of this file's own.
std::vector<std::shared_ptr<const ExitPolicy>> policies_for(const std::shared_ptr<const Model>& model,
                                                            std::span<const float> images, int64_t n) {
  const Graph& graph = model->graph();
  std::vector<float> logits(static_cast<size_t>(n) * graph.exits() * 4), gates(static_cast<size_t>(n) * 2);
  Session(model).run_all_exits(images, n, logits, gates);
  std::vector<float> ranges;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    const auto [low, high] = std::ranges::minmax(std::span(logits).subspan(i * 3 * 4, 4));
    const auto [next_low, next_high] = std::ranges::minmax(std::span(logits).subspan((i * 3 + 1) * 4, 4));
    ranges.push_back(high - low + next_high - next_low);
  }
  std::ranges::nth_element(ranges, ranges.begin() + static_cast<ptrdiff_t>(ranges.size() / 2));
  std::vector<std::shared_ptr<const ExitPolicy>> policies = {
      std::make_shared<const SumOfMargins>(ranges[ranges.size() / 2])};
  const PolicyContext context{.exits = 3, .classes = 4, .has_gates = true};
  for (const PolicySpec& spec : test::every_policy(context, logits, gates)) {
    if (spec.wrappers.cap < 0)
      policies.push_back(make_policy(spec, context));  // beyond a cap there is nobody to hand on
  }
  return policies;
}

// For the policy with a deadline.
const SessionOptions kNoTime{.stage_seconds = {0, 0, 0}};

TEST_P(EverySession, GoesOnInAnotherSessionFromAnyCut) {
  const Graph graph = small_net();
  constexpr int64_t kSamples = 41;
  const std::vector<float> images = random_images(graph, kSamples, 5);
  const auto compiled = model(graph, 8);
  for (const auto& policy : policies_for(compiled, images, kSamples)) {
    Session whole(compiled, policy, kNoTime);
    static_cast<void>(whole.run(images, kSamples));
    const std::vector<Result> want(whole.run(images, kSamples).begin(), whole.run(images, kSamples).end());
    for (size_t cut = 0; cut + 1 < graph.exits(); ++cut) {
      // As another process would: its own model, smaller batches.
      Session first(compiled, policy, kNoTime), second(model(graph, 3), policy, kNoTime);
      std::vector<std::byte> bytes;
      std::vector<Result> got;
      const std::span<const Result> early = first.run_to_cut(images, kSamples, cut, bytes);
      got.assign(early.begin(), early.end());
      const CarriedRows rows = parse_carried(bytes);
      ASSERT_GT(rows.rows.size(), 1U) << policy->name();
      const std::span<const Result> late = second.resume(bytes);
      ASSERT_EQ(late.size(), rows.rows.size());
      for (size_t row = 0; row < late.size(); ++row) {
        Result& result = got[static_cast<size_t>(rows.rows[row].id)];
        EXPECT_EQ(result.exit_index, -1);
        result = late[row];
        EXPECT_EQ(
            std::memcmp(&second.logits()[row * 4], &whole.logits()[static_cast<size_t>(rows.rows[row].id) * 4], 16), 0);
      }
      expect_same(got, want);
    }
  }
}

TEST_P(EverySession, GoesThroughEveryCutOneByOne) {
  const Graph graph = small_net();
  constexpr int64_t kSamples = 23;
  const std::vector<float> images = random_images(graph, kSamples, 5);
  const auto compiled = model(graph, 8);
  for (const auto& policy : policies_for(compiled, images, kSamples)) {
    Session whole(compiled, policy, kNoTime), session(compiled, policy, kNoTime);
    const std::vector<Result> want(whole.run(images, kSamples).begin(), whole.run(images, kSamples).end());
    std::vector<std::byte> first, second;
    const std::span<const Result> early = session.run_to_cut(images, kSamples, 0, first);
    std::vector<Result> got(early.begin(), early.end());
    const auto take = [&](std::span<const Result> results, const CarriedRows& rows) {
      for (size_t row = 0; row < results.size(); ++row) got[static_cast<size_t>(rows.rows[row].id)] = results[row];
    };
    take(session.resume_to_cut(first, 1, second), parse_carried(first));
    take(session.resume(second), parse_carried(second));
    expect_same(got, want);
  }
}

TEST_P(EverySession, RefusesRowsThatBelongElsewhere) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 5, 5);
  const auto compiled = model(graph, 8);
  const auto never = policy_for(graph, {});
  std::vector<std::byte> bytes;
  Session(compiled, never).run_to_cut(images, 5, 0, bytes);
  const auto refused = [&](Session& session, const std::string& part) {
    const Error error = error_of([&] { static_cast<void>(session.resume(bytes)); });
    EXPECT_EQ(error.code(), Code::kFailedPrecondition);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  };
  Session other_model(Model::from_file(file_of(graph, 2), {GetParam().backend, GetParam().precision, 8}), never);
  refused(other_model, "'" + compiled->rows_hash() + "', this session has");
  ModelFile other_scales = file_of(graph);
  other_scales.manifest.quantisation->scales.begin()->second.scale *= 2;
  Session requantised(Model::from_file(other_scales, {GetParam().backend, GetParam().precision, 8}), never);
  if (GetParam().precision == Precision::kInt8) {
    refused(requantised, "belong to model and quantisation '");
  } else {
    EXPECT_EQ(requantised.resume(bytes).size(), 5U);
  }
  Session other_policy(compiled, policy_for(graph, {.name = "always", .thresholds = {}, .temperatures = {}}));
  refused(other_policy, "policy 'never', this session has 'always'");
  for (const Engine& engine : engines()) {
    if (engine.backend == GetParam().backend && engine.precision == GetParam().precision) continue;
    Session other(Model::from_file(file_of(graph), {engine.backend, engine.precision, 8}), never);
    refused(other, engine.backend == GetParam().backend ? "precision" : "backend");
  }
  Session same(compiled, never);
  std::vector<std::byte> on;
  EXPECT_EQ(error_of([&] { static_cast<void>(same.resume_to_cut(bytes, 0, on)); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(error_of([&] { static_cast<void>(same.run_to_cut(images, 5, 2, on)); }).code(), Code::kInvalidArgument);
  EXPECT_TRUE(on.empty());
  static_cast<void>(same.resume_to_cut(bytes, 1, on));
  bytes = on;
  EXPECT_EQ(error_of([&] { static_cast<void>(same.resume_to_cut(bytes, 1, on)); }).code(), Code::kFailedPrecondition);
}

TEST_P(EverySession, MicroBatchesAndThreadsChangeNoAnswer) {
  const Graph graph = small_net();
  constexpr int64_t kSamples = 61;
  const std::vector<float> images = random_images(graph, kSamples, 5);
  const auto compiled = model(graph, 16);
  const auto policy = policy_for(graph, mixed_policy(compiled, images, kSamples));
  Session plain(compiled, policy);
  const std::vector<Result> want(plain.run(images, kSamples).begin(), plain.run(images, kSamples).end());
  for (const std::vector<int32_t>& rows : {std::vector<int32_t>{1, 1, 1}, {16, 1, 7}, {1, 16, 2}, {5, 3, 16}}) {
    for (const int32_t threads : {1, 3}) {
      Session session(compiled, policy, {.micro_batches = rows, .threads = threads});
      for (const int64_t n : {kSamples, int64_t{1}, int64_t{17}}) {
        const std::span<const Result> got = session.run(std::span(images).first(static_cast<size_t>(n) * 126), n);
        expect_same(got, std::span(want).first(static_cast<size_t>(n)));
        EXPECT_EQ(std::memcmp(session.logits().data(), plain.logits().data(), session.logits().size_bytes()), 0);
      }
    }
    SessionGroup group(compiled, policy, 3, {.micro_batches = rows});
    expect_same(group.run(images, kSamples), want);
    EXPECT_EQ(std::memcmp(group.logits().data(), plain.logits().data(), group.logits().size_bytes()), 0);
  }
}

TEST_P(EverySession, StagesMayBeCompiledWhenReached) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 9, 5);
  const auto ahead = model(graph, 4);
  const auto policy = policy_for(graph, mixed_policy(ahead, images, 9));
  ModelOptions options{GetParam().backend, GetParam().precision, 4};
  options.compile_ahead = false;
  const auto later = Model::from_file(file_of(graph), options);
  EXPECT_FALSE(later->compiled_ahead());
  Session want(ahead, policy);
  expect_same(Session(later, policy).run(images, 9), want.run(images, 9));
  // Several threads ask for the same stage at once.
  const auto shared = Model::from_file(file_of(graph), options);
  SessionGroup group(shared, policy, 3);
  expect_same(group.run(images, 9), want.run(images, 9));
}

TEST_P(EverySession, ADeadlineStopsWhoeverCouldNotFinishTheNextStage) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 5, 5);
  PolicySpec spec;
  spec.wrappers.deadline_seconds = 10;
  const test::FakeClock stopped;
  SessionOptions options{.stage_seconds = {1, 2, 3}, .clock = &stopped};
  Session session(model(graph, 8), policy_for(graph, spec), options);
  const auto exit_when_late_by = [&](double seconds) {
    const test::ScriptedClock clock([seconds, readings = 0]() mutable { return readings++ % 4 == 0 ? 0 : seconds; });
    options.clock = &clock;
    Session late(model(graph, 8), policy_for(graph, spec), options);
    const std::span<const Result> results = late.run(images, 5);
    for (const Result& result : results) EXPECT_EQ(result.exit_index, results[0].exit_index);
    EXPECT_EQ(results[0].left, results[0].exit_index < 2 ? Left::kByDeadline : Left::kAtLastExit);
    return results[0].exit_index;
  };
  EXPECT_EQ(session.run(images, 5)[0].exit_index, 2);
  EXPECT_EQ(exit_when_late_by(7), 2) << "7 s and 3 s are in time";
  EXPECT_EQ(exit_when_late_by(7.5), 1);
  EXPECT_EQ(exit_when_late_by(8.5), 0);
}

TEST_P(EverySession, NobodyReadsAClockWithoutADeadline) {
  const Graph graph = small_net();
  const std::vector<float> images = random_images(graph, 5, 5);
  const auto compiled = model(graph, 8);
  const test::FakeClock clock;
  const SessionOptions options{.stage_seconds = {1, 1, 1}, .clock = &clock};
  Session session(compiled, policy_for(graph, mixed_policy(compiled, images, 5)), options);
  static_cast<void>(session.run(images, 5));
  EXPECT_EQ(clock.readings(), 0);
}

TEST_P(EverySession, NoSamplesGiveNoResults) {
  Session session(model(small_net(), 4), policy_for(small_net(), {}));
  EXPECT_TRUE(session.run({}, 0).empty());
  EXPECT_TRUE(session.logits().empty());
  session.run_all_exits({}, 0, {}, {});
}

TEST_P(EverySession, RunsAPlainNetwork) {
  const Graph graph = plain_backbone(small_net());
  const auto compiled = model(graph, 4);
  Session session(compiled);
  const std::vector<float> images = random_images(graph, 3, 5);
  for (const Result& result : session.run(images, 3)) {
    EXPECT_EQ(result.exit_index, 0);
    EXPECT_EQ(result.left, Left::kAtLastExit);
    EXPECT_TRUE(result.probability >= 0.25F && result.probability <= 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, EverySession, testing::ValuesIn(engines()), [](const auto& instance) {
  return instance.param.backend + "_" + std::string(to_string(instance.param.precision));
});

void expect_refused(const std::function<void()>& call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Session, RefusesInputOfAnotherSize) {
  const Graph graph = small_net();
  Session session(Model::from_file(file_of(graph), {.backend = "ref", .batch_max = 2}), policy_for(graph, {}));
  const std::vector<float> images(2 * 2 * 9 * 7);
  expect_refused([&] { static_cast<void>(session.run(std::span(images).first(125), 1)); },
                 "[Session::run] input holds 125 floats, expected n*C*H*W = 1*2*9*7 = 126");
  expect_refused([&] { static_cast<void>(session.run(images, -1)); }, "n is -1");
  std::vector<float> logits(5), gates(4);
  expect_refused([&] { session.run_all_exits(images, 2, logits, gates); }, "expected 24 and 4");
}

TEST(Session, RefusesImpossibleOptions) {
  const auto compiled = Model::from_file(file_of(small_net()), {.backend = "ref", .batch_max = 4});
  expect_refused([&] { const Session session(compiled, {.micro_batches = {1, 2}}); }, "got 2 micro-batches");
  expect_refused([&] { const Session session(compiled, {.micro_batches = {1, 5, 1}}); }, "expected 1 to 4");
  expect_refused([&] { const Session session(compiled, {.threads = 0}); }, "got 0 threads");
  PolicySpec in_time;
  in_time.wrappers.deadline_seconds = 1;
  const std::shared_ptr<const ExitPolicy> deadline = policy_for(small_net(), in_time);
  expect_refused([&] { const Session session(compiled, deadline); },
                 "policy 'never' has a deadline and got 0 stage times, expected 3");
  expect_refused([&] { const Session session(compiled, deadline, {.stage_seconds = {1, -1, 1}}); },
                 "a stage time of -1 s");
  expect_refused([&] { const SessionGroup group(compiled, policy_for(small_net(), {}), 0); }, "got 0 threads");
}

TEST(Session, RefusesMissingParts) {
  const auto compiled = Model::from_file(file_of(small_net()), {.backend = "ref", .batch_max = 2});
  expect_refused([&] { Session session(nullptr); }, "no model");
  expect_refused([&] { Session session(compiled, nullptr); }, "no policy");
}

TEST(Model, RefusesForeignWeightsAndBatches) {
  ModelFile file = file_of(small_net());
  expect_refused([&] { static_cast<void>(Model::from_file(file, {.backend = "ref", .batch_max = 0})); }, "batch_max");
  expect_refused([&] { static_cast<void>(Model::from_file(file, {.backend = "rex"})); }, "did you mean 'ref'");
  file.tensors = random_weights(plain_backbone(small_net()), 1);
  expect_refused([&] { static_cast<void>(Model::from_file(file, {.backend = "ref"})); }, "missing");
}

TEST(Model, SaysWhatItRunsOn) {
  const auto compiled = Model::from_file(file_of(small_net()), {.backend = "ref", .batch_max = 3});
  EXPECT_EQ(compiled->backend_name(), "ref");
  EXPECT_EQ(compiled->instruction_set(), "portable");
  EXPECT_EQ(compiled->batch_max(), 3);
  EXPECT_EQ(compiled->cost().exit_macs, compute_cost(small_net()).exit_macs);
}

TEST(Session, RefusesAQuantisationOfOtherWeights) {
  ModelFile file = file_of(small_net());
  file.tensors = random_weights(file.manifest.graph, 2);
  EXPECT_NE(message_of(Code::kFailedPrecondition,
                       [&] { Model::from_file(file, {.backend = "auto", .precision = Precision::kInt8}); })
                .find("run `sooner quantize` again"),
            std::string::npos);
}

TEST(Session, TakesTheThresholdsOfItsOwnPrecision) {
  ModelFile file = file_of(small_net());
  const auto record = [](double threshold, const std::string& precision) {
    CalibrationRecord made;
    made.policy = {.name = "margin", .thresholds = Threshold::scores({threshold, threshold}), .temperatures = {}};
    made.rule = parse_calibration_rule("budget 0.5");
    made.origin.precision = precision;
    return made;
  };
  const double everybody = 0, nobody = 1;
  file.manifest.calibrations = {record(everybody, "fp32"), record(nobody, "bf16")};
  const std::vector<float> image = random_images(file.manifest.graph, 1, 3);
  const auto exit_with = [&](double default_threshold) {
    file.manifest.policy = {
        .name = "margin", .thresholds = Threshold::scores({default_threshold, default_threshold}), .temperatures = {}};
    return Session(Model::from_file(file, {.backend = "ref"})).run(image, 1)[0].exit_index;
  };
  EXPECT_EQ(exit_with(everybody), 0);
  EXPECT_EQ(exit_with(nobody), 0);  // chosen for bf16; the same rule has another choice for fp32
  EXPECT_EQ(exit_with(0.999), 2);   // set by hand, for no precision in particular
  file.manifest.calibrations.erase(file.manifest.calibrations.begin());
  EXPECT_NE(message_of(Code::kFailedPrecondition, [&] { exit_with(nobody); }).find("run `sooner tune"),
            std::string::npos);
}

}  // namespace
}  // namespace sooner
