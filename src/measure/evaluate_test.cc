#include "measure/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "backend/counting_backend.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "support/fake_clock.h"
#include "support/glyph_model.h"

namespace sooner {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::IsNan;

// Two exits, three classes, four samples. By log-odds of at least 0.5 samples 0 and 3 leave at exit 0: 0 right, 3
// wrong; 1 and 2 go on: 1 wrong, 2 right. No sample of class 2.
LogitTable four_samples() {
  return {.samples = 4,
          .exits = 2,
          .classes = 3,
          .logits = {4, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 4, 0},
          .gates = {NAN, NAN, NAN, NAN},
          .labels = {0, 1, 0, 1},
          .exit_cost = {0.25, 1.25}};
}

TEST(Evaluation, OfATableSumsUpWhatAPolicyWouldDo) {
  const Evaluation e = evaluate(four_samples(), {.name = "max-prob", .thresholds = Threshold::scores({0.5})}, 1000);
  EXPECT_EQ(e.samples, 4);
  EXPECT_EQ(e.quality, 0.5);
  EXPECT_EQ(e.mean_macs, 750);
  EXPECT_EQ(e.cost_fraction, 0.75);
  EXPECT_EQ(e.abstained, 0);
  EXPECT_EQ(e.answered_quality, 0.5);
  EXPECT_THAT(e.shares, ElementsAre(0.5, 0.5));
  EXPECT_THAT(e.leavers_quality, ElementsAre(0.5, 0.5));
  EXPECT_THAT(e.class_accuracy, ElementsAre(1, 0, IsNan()));
  EXPECT_THAT(e.class_cost, ElementsAre(DoubleEq(0.75), DoubleEq(0.75), IsNan()));
  EXPECT_THAT(e.qualities, ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(e.macs, ElementsAre(250, 1250, 1250, 250));
}

TEST(Evaluation, OfATableCountsWhoGetsNoAnswer) {
  PolicySpec policy{.name = "max-prob", .thresholds = Threshold::scores({0.5})};
  policy.wrappers.abstain_below = Threshold::score(4);  // the log-odds of p = e^4 / (e^4 + 2) are 4 - ln 2
  const Evaluation e = evaluate(four_samples(), policy, 1000);
  EXPECT_EQ(e.abstained, 0.5);
  EXPECT_EQ(e.answered_quality, 0.5);  // those of exit 0
}

TEST(Evaluation, OfANumberIsTheErrorsMean) {
  const LogitTable table{.samples = 2, .exits = 1, .classes = 1, .logits = {1, 5}, .targets = {2, 2}, .exit_cost = {1}};
  const Evaluation e = evaluate(table, {.name = "never"}, 100);
  EXPECT_EQ(e.quality, -2);
  EXPECT_TRUE(e.class_accuracy.empty());
}

// Counts how often it is asked to compile a network.
class CompilationsCounted final : public Backend {
 public:
  explicit CompilationsCounted(int* compilations) : compilations_(compilations) {}
  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] std::string instruction_set() const override { return inner_->instruction_set(); }
  [[nodiscard]] bool supports(Precision precision) const override { return inner_->supports(precision); }
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override {
    ++*compilations_;
    return inner_->prepare(graph, weights, options);
  }

 private:
  std::unique_ptr<const Backend> inner_ = make_backend("ref");
  int* compilations_;
};

// Counts how often images are read.
class ReadsCounted final : public ImageSource {
 public:
  explicit ReadsCounted(std::shared_ptr<const ImageSource> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] int64_t size() const override { return inner_->size(); }
  [[nodiscard]] int32_t label(int64_t index) const override { return inner_->label(index); }
  void read(int64_t index, std::span<uint8_t> pixels) const override {
    ++reads;
    inner_->read(index, pixels);
  }
  mutable std::atomic<int> reads = 0;

 private:
  std::shared_ptr<const ImageSource> inner_;
};

TEST(Evaluation, TakesOneCompilationOneReadingAndOneComputationForExitsAndTable) {
  const ModelFile file = test::glyph_model();
  int compilations = 0;
  const auto ledger = std::make_shared<MacLedger>();
  const auto model =
      Model::compile(file, CountingBackend(std::make_unique<CompilationsCounted>(&compilations), ledger), {});
  ModelData data = open_model_data(file.manifest);
  const auto images = std::make_shared<ReadsCounted>(data.data.test);
  data.data.test = images;
  const Batch samples = load_all(file.manifest, data, data.splits.test);
  ledger->reset(static_cast<size_t>(samples.n));
  const auto [evaluation, table] = evaluate_with_table(model, file.manifest.policy, samples);
  EXPECT_EQ(compilations, 1);
  EXPECT_EQ(images->reads, 60);
  const GraphCost& cost = model->cost();
  EXPECT_THAT(ledger->macs(), Each(cost.total_macs));
  EXPECT_EQ(ledger->strays(), 0);
  // What was executed is what the table says the policy would do, and what the graph says that costs.
  const Evaluation replayed = evaluate(table, file.manifest.policy, static_cast<double>(cost.backbone_macs));
  EXPECT_EQ(evaluation.macs, replayed.macs);
  EXPECT_THAT(evaluation.quality, DoubleNear(replayed.quality, 1e-12));
  EXPECT_EQ(evaluation.shares, replayed.shares);
  EXPECT_GT(evaluation.shares[0], 0);
  EXPECT_LT(evaluation.shares[0], 1);
  // Real exits, where nothing is computed for those who left.
  ledger->reset(static_cast<size_t>(samples.n));
  const Evaluation real = evaluate(model, file.manifest.policy, samples);
  EXPECT_EQ(ledger->macs(), real.macs);
  EXPECT_EQ(evaluation.macs, real.macs);
  EXPECT_EQ(evaluation.quality, real.quality);
}

TEST(Evaluation, UnderADeadlineIsThatOfRealExits) {
  const ModelFile file = test::glyph_model();
  const auto model = Model::from_file(file);
  const Batch samples =
      load_all(file.manifest, open_model_data(file.manifest), open_model_data(file.manifest).splits.test);
  PolicySpec policy = file.manifest.policy;
  policy.wrappers.deadline_seconds = 1;
  const test::FakeClock clock;  // stands still: whose next stage takes longer than a second leaves
  const auto [evaluation, table] =
      evaluate_with_table(model, policy, samples, {.stage_seconds = {0.1, 2}, .clock = &clock});
  EXPECT_THAT(evaluation.shares, ElementsAre(1, 0));
  EXPECT_EQ(table.logits, logit_table(model, samples).logits);
}

TEST(DifficultyAuroc, AsksWhetherHarderSamplesGoOn) {
  const ModelFile file = test::glyph_model();
  const ModelData data = open_model_data(file.manifest);
  Batch samples;
  Evaluation evaluation;
  for (int64_t i = 0; i < 20; ++i) {
    samples.indices.push_back(i);
    evaluation.results.push_back({.exit_index = data.data.test->difficulty(i) > 0.3 ? 1 : 0});
  }
  EXPECT_EQ(difficulty_auroc(evaluation, *data.data.test, samples), 1);
  for (Result& result : evaluation.results) result.exit_index = 0;
  EXPECT_EQ(difficulty_auroc(evaluation, *data.data.test, samples), std::nullopt);
  const ReadsCounted knows_none(data.data.test);
  evaluation.results[0].exit_index = 1;
  EXPECT_EQ(difficulty_auroc(evaluation, knows_none, samples), std::nullopt);
}

}  // namespace
}  // namespace sooner
