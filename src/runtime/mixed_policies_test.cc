// Rows of one micro-batch that follow different policies.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "backend/counting_backend.h"
#include "core/rng.h"
#include "format/preprocess.h"
#include "runtime/carried_rows.h"
#include "runtime/session.h"
#include "support/error_of.h"
#include "support/message_of.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr int64_t kSamples = 40;

struct Alone {
  std::vector<Result> results;
  std::vector<float> logits;  // [n, 4]
};

class MixedPolicies : public testing::TestWithParam<std::string> {
 protected:
  MixedPolicies() {
    Graph& graph = file_.manifest.graph;
    graph = build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both"}, {2, 9, 7}, 4);
    file_.tensors = test::random_weights(graph, 1);
    images_ = test::random_images(graph, kSamples, 5);
    const CountingBackend backend(make_backend(GetParam()), ledger_);
    model_ = Model::compile(file_, backend, {.batch_max = 16});
    std::vector<float> logits(kSamples * 3 * 4), gates(kSamples * 2);
    Session(model_, make_policy({}, kContext)).run_all_exits(images_, kSamples, logits, gates);
    std::vector<PolicySpec> specs = test::every_policy(kContext, logits, gates);
    for (int32_t exit = 0; exit < 3; ++exit) specs.push_back({.name = "always", .settings = {{"exit", exit}}});
    specs.emplace_back();
    for (const PolicySpec& spec : specs) policies_.push_back(make_policy(spec, kContext));
    for (const auto& policy : policies_) {
      Session session(model_, policy, kNoTime);
      const std::span<const Result> results = session.run(images_, kSamples);
      alone_.push_back({{results.begin(), results.end()}, {session.logits().begin(), session.logits().end()}});
    }
  }

  static inline const PolicyContext kContext{.exits = 3, .classes = 4, .has_gates = true};
  const SessionOptions kNoTime{.micro_batches = {16, 7, 16}, .stage_seconds = {0, 0, 0}};
  std::shared_ptr<MacLedger> ledger_ = std::make_shared<MacLedger>();
  ModelFile file_;
  std::vector<float> images_;
  std::shared_ptr<const Model> model_;
  std::vector<std::shared_ptr<const ExitPolicy>> policies_;
  std::vector<Alone> alone_;  // by policy
};

void expect_same(const Result& got, const Result& want) {
  EXPECT_EQ(got.exit_index, want.exit_index);
  EXPECT_EQ(got.label, want.label);
  EXPECT_EQ(got.left, want.left);
  EXPECT_EQ(got.macs, want.macs);
  EXPECT_EQ(std::bit_cast<uint32_t>(got.score), std::bit_cast<uint32_t>(want.score));
  EXPECT_EQ(std::bit_cast<uint32_t>(got.probability), std::bit_cast<uint32_t>(want.probability));
}

TEST_P(MixedPolicies, GiveEverySampleTheAnswerThatItGetsAloneInTenThousandDraws) {
  Session session(model_, policies_[0], kNoTime);
  Rng rng(3);
  for (int64_t drawn = 0; drawn < 10'000;) {
    const size_t n = 1 + rng.below(60), first = rng.below(policies_.size()), second = rng.below(policies_.size());
    std::vector<float> batch;
    std::vector<size_t> samples(n), chosen(n);
    std::vector<const ExitPolicy*> policies(n);
    for (size_t i = 0; i < n; ++i) {
      samples[i] = rng.below(kSamples);
      chosen[i] = rng.below(2) == 0 ? first : second;
      policies[i] = policies_[chosen[i]].get();
      const auto image = std::span(images_).subspan(samples[i] * 126, 126);
      batch.insert(batch.end(), image.begin(), image.end());
    }
    ledger_->reset(n);
    const std::span<const Result> results = session.run(batch, static_cast<int64_t>(n), {.policies = policies});
    const std::vector<int64_t> macs = ledger_->macs();
    for (size_t i = 0; i < n; ++i) {
      const Alone& alone = alone_[chosen[i]];
      expect_same(results[i], alone.results[samples[i]]);
      EXPECT_EQ(results[i].macs, macs[i]) << "what was told is not what was executed";
      ASSERT_EQ(std::memcmp(&session.logits()[i * 4], &alone.logits[samples[i] * 4], 16), 0)
          << policies[i]->name() << " beside " << policies_[chosen[i] == first ? second : first]->name();
    }
    drawn += static_cast<int64_t>(n);
  }
}

TEST_P(MixedPolicies, CrossACutTogetherAndAreFoundByTheirFingerprints) {
  std::vector<const ExitPolicy*> policies(kSamples), known;
  std::vector<uint64_t> ids(kSamples);
  for (size_t i = 0; i < kSamples; ++i) {
    policies[i] = policies_[i % policies_.size()].get();
    ids[i] = (uint64_t{1} << 40U) + 3 * i;
  }
  for (const auto& policy : policies_) known.push_back(policy.get());
  Session session(model_, policies_[0], kNoTime);
  for (const size_t cut : {0, 1}) {
    std::vector<std::byte> bytes;
    const std::span<const Result> early =
        session.run_to_cut(images_, kSamples, cut, bytes, {.ids = ids, .policies = policies});
    std::vector<Result> got(early.begin(), early.end());
    const CarriedRows rows = parse_carried(bytes);
    ASSERT_GT(rows.policies.size(), 5U);
    Session other(model_, policies_[1], kNoTime);
    const std::span<const Result> late = other.resume(bytes, {.policies = known});
    for (size_t row = 0; row < late.size(); ++row) got[(rows.rows[row].id - ids[0]) / 3] = late[row];
    for (size_t i = 0; i < kSamples; ++i) expect_same(got[i], alone_[i % policies_.size()].results[i]);
    Session stranger(model_, make_policy({.name = "always", .settings = {{"exit", 2}}}, kContext), kNoTime);
    EXPECT_EQ(error_of([&] { static_cast<void>(stranger.resume(bytes)); }).code(), Code::kFailedPrecondition);
  }
}

// Same name, same state: what was once resumed as one another.
TEST_P(MixedPolicies, OfOneNameButAnotherSpecAreNotResumedAsOneAnother) {
  PolicySpec geometric{.name = "ensemble", .thresholds = Threshold::scores({50, 50})}, arithmetic = geometric;
  arithmetic.settings.set("mean", "arithmetic");
  PolicySpec patience{.name = "patience"}, confidence{.name = "confidence", .thresholds = Threshold::scores({1, 1})};
  PolicySpec one{.name = "any"}, other{.name = "any"};
  one.parts = {patience, confidence};
  other.parts = {confidence, patience};
  PolicySpec strict{.name = "margin", .thresholds = Threshold::scores({1, 1})}, stricter = strict;
  stricter.thresholds[1] = Threshold::score(0.5);
  for (const auto& [theirs, ours] :
       {std::pair(geometric, arithmetic), std::pair(one, other), std::pair(strict, stricter)}) {
    std::vector<std::byte> bytes;
    Session(model_, make_policy(theirs, kContext)).run_to_cut(images_, kSamples, 0, bytes);
    Session session(model_, make_policy(ours, kContext));
    const std::string told = message_of(Code::kFailedPrecondition, [&] { static_cast<void>(session.resume(bytes)); });
    EXPECT_NE(told.find("the rows belong to a policy '" + theirs.name + "' of fingerprint "), std::string::npos)
        << told;
    EXPECT_NO_THROW(static_cast<void>(Session(model_, make_policy(theirs, kContext)).resume(bytes)));
  }
}

class Recorder final : public AnswerSink {
 public:
  void take(uint64_t id, const Result& result, std::span<const float> logits) override {
    ids.push_back(id);
    results.push_back(result);
    all_logits.insert(all_logits.end(), logits.begin(), logits.end());
  }
  std::vector<uint64_t> ids;
  std::vector<Result> results;
  std::vector<float> all_logits;
};

TEST_P(MixedPolicies, AnswersReachTheSinkAsTheyLeave) {
  Recorder sink;
  std::vector<uint64_t> ids(kSamples);
  for (size_t i = 0; i < kSamples; ++i) ids[i] = 1000 + i;
  Session session(model_, policies_[2], {.micro_batches = {4, 2, 3}});
  const std::span<const Result> results = session.run(images_, kSamples, {.ids = ids, .sink = &sink});
  ASSERT_EQ(sink.ids.size(), static_cast<size_t>(kSamples));
  for (size_t i = 0; i < sink.ids.size(); ++i) {
    const size_t sample = sink.ids[i] - 1000;
    expect_same(sink.results[i], results[sample]);
    EXPECT_EQ(std::memcmp(&sink.all_logits[i * 4], &session.logits()[sample * 4], 16), 0);
  }
  // Who left at the first exit in the first micro-batch came before anybody of the last one.
  EXPECT_LT(sink.ids.front(), 1004U);
  EXPECT_FALSE(std::ranges::is_sorted(sink.ids));
}

TEST_P(MixedPolicies, RefuseOptionsOfAnotherLength) {
  Session session(model_, policies_[0], kNoTime);
  const std::vector<const ExitPolicy*> two(2, policies_[0].get()), none(static_cast<size_t>(kSamples), nullptr);
  const std::vector<uint64_t> ids(3);
  const auto told = [&](const RunOptions& options) {
    return message_of(Code::kInvalidArgument, [&] { static_cast<void>(session.run(images_, kSamples, options)); });
  };
  EXPECT_NE(told({.policies = two}).find("got 2 policies, expected 40"), std::string::npos);
  EXPECT_NE(told({.ids = ids}).find("got 3 ids, expected 40"), std::string::npos);
  EXPECT_NE(told({.policies = none}).find("got no policy for a sample"), std::string::npos);
}

TEST_P(MixedPolicies, PicturesGoInAsBytesWithTheSameBits) {
  ModelFile file = file_;
  file.manifest.preprocessing = {.image_shape = {2, 9, 7}, .mean = {0.25, 0.5}, .std = {0.3, 0.7}};
  const auto model = Model::from_file(file, {.backend = GetParam(), .batch_max = 16});
  std::vector<uint8_t> pixels(kSamples * 126);
  Rng rng(9);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(rng.below(256));
  std::vector<const ExitPolicy*> policies;
  for (size_t i = 0; i < kSamples; ++i) policies.push_back(policies_[i % policies_.size()].get());
  Session floats(model, policies_[0], kNoTime), bytes(model, policies_[0], kNoTime);
  const std::span<const Result> want =
      floats.run(preprocess(file.manifest.preprocessing, pixels), kSamples, {.policies = policies});
  const std::span<const Result> got = bytes.run_pixels(pixels, kSamples, {.policies = policies});
  for (size_t i = 0; i < kSamples; ++i) expect_same(got[i], want[i]);
  EXPECT_EQ(std::memcmp(bytes.logits().data(), floats.logits().data(), bytes.logits().size_bytes()), 0);
  // And floats again, which lie where they lie.
  floats.run(images_, kSamples);
  bytes.run(images_, kSamples);
  EXPECT_EQ(std::memcmp(bytes.logits().data(), floats.logits().data(), bytes.logits().size_bytes()), 0);
  EXPECT_NE(message_of(Code::kInvalidArgument, [&] { bytes.run_pixels(std::span(pixels).first(125), 1); })
                .find("input holds 125 bytes"),
            std::string::npos);
  Session unsaid(model_, policies_[0], kNoTime);
  EXPECT_NE(message_of(Code::kFailedPrecondition, [&] { unsaid.run_pixels(pixels, kSamples); })
                .find("does not say how pictures of 2x9x7"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Backends, MixedPolicies, testing::ValuesIn([] {
                           std::vector<std::string> names = backend_names();
                           std::erase(names, "auto");
                           return names;
                         }()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace sooner
