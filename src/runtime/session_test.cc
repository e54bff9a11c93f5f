#include "runtime/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>

#include "core/error.h"
#include "graph/keep_exits.h"
#include "runtime/session_group.h"
#include "support/every_engine.h"
#include "support/fake_clock.h"
#include "support/message_of.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using test::cascade_net;
using test::expect_same;
using test::file_of;
using test::mixed_policy;
using test::policy_for;
using test::random_images;
using test::random_weights;
using test::small_net;

class EverySession : public test::EveryEngine {
 protected:
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
std::vector<Graph> networks_for(const test::Engine& engine) {
  if (engine.backend == "ref") return {small_net()};
  return {small_net(), build_network({"b-lenet", "names:conv1", "branchy", "both"}, {1, 28, 28}, 4),
          build_network({"resnet20", "fractions:.30,.65", "conv-gap-fc", "both"}, {3, 32, 32}, 4)};
}

TEST_P(EverySession, AnswersAreTheSameAloneInAnyBatchPositionAndOrder) {
  for (const Graph& graph : networks_for(GetParam())) expect_same_in_any_batch(graph);
  expect_same_in_any_batch(cascade_net());
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

INSTANTIATE_TEST_SUITE_P(Engines, EverySession, testing::ValuesIn(test::engines()), test::engine_name);

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
