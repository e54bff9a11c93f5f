// Samples that go on in another session, from any cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "runtime/carried_rows.h"
#include "runtime/session.h"
#include "support/error_of.h"
#include "support/every_engine.h"

namespace sooner {
namespace {

using test::expect_same;
using test::file_of;
using test::policy_for;
using test::random_images;
using test::small_net;

class SessionCut : public test::EveryEngine {};

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

TEST_P(SessionCut, GoesOnInAnotherSessionFromAnyCut) {
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

TEST_P(SessionCut, GoesThroughEveryCutOneByOne) {
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

TEST_P(SessionCut, RefusesRowsThatBelongElsewhere) {
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
  for (const test::Engine& engine : test::engines()) {
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

INSTANTIATE_TEST_SUITE_P(Engines, SessionCut, testing::ValuesIn(test::engines()), test::engine_name);

}  // namespace
}  // namespace sooner
