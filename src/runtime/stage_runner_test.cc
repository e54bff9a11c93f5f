// A driver that is no session: queues that several askers share, as a server has them.
#include "runtime/stage_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "runtime/session.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr size_t kAskers = 3, kEach = 17;

class Answers final : public AnswerSink {
 public:
  void take(uint64_t id, const Result& result, std::span<const float> logits) override {
    EXPECT_TRUE(results.emplace(id, result).second) << id << " was answered twice";
    EXPECT_EQ(logits.size(), 4U);
  }
  std::map<uint64_t, Result> results;
};

class SharedQueues : public testing::Test {
 protected:
  SharedQueues() {
    Graph& graph = file_.manifest.graph;
    graph = build_network({"b-lenet", "names:conv1,relu2", "gap-fc;pool-fc:2", "both"}, {2, 9, 7}, 4);
    file_.tensors = test::random_weights(graph, 1);
    model_ = Model::from_file(file_, {.backend = "ref", .batch_max = 8});
    images_ = test::random_images(graph, kAskers * kEach, 5);
    const PolicyContext context{.exits = 3, .classes = 4, .has_gates = true};
    std::vector<float> logits(kAskers * kEach * 12), gates(kAskers * kEach * 2);
    Session(model_, make_policy({}, context)).run_all_exits(images_, kAskers * kEach, logits, gates);
    PolicySpec margin{.name = "margin"}, vote{.name = "vote"};
    for (PolicySpec* spec : {&margin, &vote}) *spec = test::with_thresholds(*spec, context, logits, gates);
    for (const PolicySpec& spec : {margin, vote, PolicySpec{.name = "always", .settings = {{"exit", 1}}}}) {
      policies_.push_back(make_policy(spec, context));
    }
    for (size_t k = 0; k < 3; ++k) {
      runners_.push_back(std::make_unique<StageRunner>(model_->stage(k), place_in(graph, k), 8, workers_));
      queues_.emplace_back(model_->stage(k).carry_out(), 64);
      queues_.back().reserve_state(16);
    }
    input_ = RowQueue(model_->stage(0).carry_in(), 8);
    input_.reserve_state(16);
  }

  // A sample of one asker comes in.
  void arrive(size_t asker, size_t sample) {
    const int32_t at = input_.push((uint64_t{asker} << 32U) + sample, Row::beginning(*policies_[asker]));
    std::memcpy(input_.tensor(0, at), &images_[(asker * kEach + sample) * 126], 126 * sizeof(float));
  }
  void take(size_t stage, int32_t rows) {
    RowQueue& in = stage == 0 ? input_ : queues_[stage - 1];
    runners_[stage]->run(in, std::min(rows, in.size()), queues_[stage], nullptr, answers_);
  }

  ModelFile file_;
  std::shared_ptr<const Model> model_;
  std::vector<float> images_;
  std::vector<std::shared_ptr<const ExitPolicy>> policies_;  // by asker
  Workers workers_{1};
  std::vector<std::unique_ptr<StageRunner>> runners_;
  std::vector<RowQueue> queues_;
  RowQueue input_;
  Answers answers_;
};

TEST_F(SharedQueues, EveryAskerGetsTheAnswersOfASessionOfItsOwn) {
  for (size_t sample = 0; sample < kEach; ++sample) {
    for (size_t asker = 0; asker < kAskers; ++asker) {
      arrive(asker, sample);
      if (input_.size() == 8) take(0, 8);
      if (queues_[0].size() >= 5) take(1, 5);
    }
    if (sample % 4 == 3) take(2, 3);
  }
  while (input_.size() > 0) take(0, 8);
  while (queues_[0].size() > 0) take(1, 8);
  while (queues_[1].size() > 0) take(2, 8);
  ASSERT_EQ(answers_.results.size(), kAskers * kEach);
  for (size_t asker = 0; asker < kAskers; ++asker) {
    Session alone(model_, policies_[asker]);
    const std::span<const Result> want = alone.run(std::span(images_).subspan(asker * kEach * 126, kEach * 126), kEach);
    for (size_t i = 0; i < kEach; ++i) {
      const Result& got = answers_.results.at((uint64_t{asker} << 32U) + i);
      EXPECT_EQ(got.exit_index, want[i].exit_index);
      EXPECT_EQ(got.label, want[i].label);
      EXPECT_EQ(got.macs, want[i].macs);
      EXPECT_EQ(std::bit_cast<uint32_t>(got.score), std::bit_cast<uint32_t>(want[i].score));
      EXPECT_EQ(std::bit_cast<uint32_t>(got.probability), std::bit_cast<uint32_t>(want[i].probability));
    }
  }
}

// What a server says of a sample whose next stage is out of reach.
TEST_F(SharedQueues, WhoWaitsHasAnAnswerWhereAnswersAreKept) {
  input_.keep_answers(4);
  queues_[0].keep_answers(4);
  for (size_t sample = 0; sample < 8; ++sample) arrive(1, sample);
  take(0, 8);
  ASSERT_GT(queues_[0].size(), 2);
  for (int32_t at = 0; at < queues_[0].size(); ++at) {
    const Result& answer = queues_[0].answer(at);
    EXPECT_EQ(answer.exit_index, 0);
    EXPECT_EQ(answer.left, Left::kByDeadline);
    EXPECT_EQ(answer.label, static_cast<int32_t>(std::ranges::max_element(queues_[0].answer_logits(at)) -
                                                 queues_[0].answer_logits(at).begin()));
    EXPECT_EQ(answer.macs, model_->cost().exit_macs[0]);
  }
}

}  // namespace
}  // namespace sooner
