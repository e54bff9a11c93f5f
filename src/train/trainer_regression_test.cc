// Trainings that answer with a number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/file.h"
#include "format/model_file.h"
#include "format/safetensors.h"
#include "recipe/regime_kind.h"
#include "support/error_of.h"
#include "support/temp_folder.h"
#include "train/regime.h"
#include "train/trainer_test_support.h"

namespace sooner {
namespace {

using testing::HasSubstr;

std::vector<std::string> angles(const std::string& regime) {
  return {"data.name=glyph-angles", "train.epochs=8", "train.learning_rate=0.01", "train.regime=" + regime};
}

// Every regime that can: the error of the last exit falls, and the model file answers in degrees.
TEST(Trainer, EveryRegimeForNumbersLearnsARegression) {
  const TempFolder root;
  for (const RegimeKind& kind : regime_kinds()) {
    const RunFolder folder = RunFolder::create(root / std::string(kind.name));
    StopAfter listener(-1);
    const TrainConfig config = small_config(angles(std::string(kind.name)));
    if (!kind.numbers) {
      const Error error = error_of([&] { run(config, folder, listener); });
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(fmt::format("the regime '{}' needs classes", kind.name)));
      continue;
    }
    run(config, folder, listener);
    std::vector<double> losses;
    for (const nlohmann::json& epoch : metrics_of(folder)) {
      const nlohmann::json& last = epoch["train"]["exits"].back();
      EXPECT_FALSE(last.contains("accuracy"));
      if (last["loss"].is_number()) losses.push_back(last["loss"].get<double>());
    }
    ASSERT_GE(losses.size(), 2U) << kind.name;
    EXPECT_LT(losses.back(), losses.front()) << kind.name;
    const ModelFile model = load_model(folder.model());
    EXPECT_EQ(model.manifest.quantity, (Quantity{"angle", "degrees"}));
    EXPECT_TRUE(model.manifest.class_names.empty());
    // What the trainer saw in the best epoch is what the file says, once the scale is in its weights.
    const auto table = parse_safetensors(read_file(folder.logits("validation")), "logits");
    const auto logits = table.tensors.at("logits").floats(), targets = table.tensors.at("targets").floats();
    const size_t exits = logits.size() / targets.size();
    double error = 0;
    for (size_t n = 0; n < targets.size(); ++n) error += std::abs(logits[(n + 1) * exits - 1] - targets[n]);
    std::vector<double> seen;
    for (const nlohmann::json& epoch : metrics_of(folder)) {
      if (epoch["best"].get<bool>()) seen.push_back(epoch["validation"]["exits"].back()["error"].get<double>());
    }
    EXPECT_NEAR(error / static_cast<double>(targets.size()), seen.back(), 1e-3) << kind.name;
    EXPECT_GT(seen.back(), 1) << "degrees, not deviations";
    EXPECT_THAT(listener.lines, HasSubstr("degrees at the last exit"));
    EXPECT_THAT(listener.lines, testing::Not(HasSubstr("accuracy")));
  }
}

TEST(Trainer, ARegressionResumedEndsInTheSameBits) {
  const TempFolder root;
  const TrainConfig config = small_config(angles("joint"));
  const RunFolder straight = RunFolder::create(root / "straight"), folder = RunFolder::create(root / "stopped");
  StopAfter never(-1), listener(11), again(-1);
  run(config, straight, never);
  ASSERT_TRUE(run(config, folder, listener).interrupted);
  run(config, folder, again, true);
  expect_same_weights(straight, folder);
  EXPECT_EQ(timeless(metrics_of(folder)), timeless(metrics_of(straight)));
}

// Heads for a regression that is there: what it said before, it says after.
TEST(Trainer, ARegressionStartedFromAModelKeepsItsAnswers) {
  const TempFolder root;
  StopAfter never(-1);
  const RunFolder plain = RunFolder::create(root / "plain"), heads = RunFolder::create(root / "heads");
  run(small_config(angles("plain")), plain, never);
  std::vector<std::string> sets = angles("classifier-wise");
  sets.push_back("train.start=" + plain.model().string());
  run(small_config(sets), heads, never);
  const auto last_answers = [](const RunFolder& folder) {
    const auto table = parse_safetensors(read_file(folder.logits("validation")), "logits");
    const auto logits = table.tensors.at("logits").floats();
    const auto exits = static_cast<size_t>(table.tensors.at("logits").shape()[1]);
    std::vector<float> last;
    for (size_t i = exits - 1; i < logits.size(); i += exits) last.push_back(logits[i]);
    return last;
  };
  const std::vector<float> before = last_answers(plain), after = last_answers(heads);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(before[i], after[i], 1e-3);
  StopAfter other(-1);
  const RunFolder classes = RunFolder::create(root / "classes");
  const Error error = error_of([&] {
    run(small_config({"train.regime=classifier-wise", "train.start=" + plain.model().string()}), classes, other);
  });
  EXPECT_THAT(error.what(), HasSubstr("is a regression, the data set 'glyphs' asks for a class"));
}

TEST(Trainer, RefusesForARegressionWhatIsAboutClassesOrTurnsImages) {
  const TempFolder root;
  StopAfter listener(-1);
  const RunFolder folder = RunFolder::create(root / "run");
  for (const auto& [set, message] : std::map<std::string, std::string>{
           {"train.label_smoothing=0.1", "train.label_smoothing needs classes"},
           {"train.class_balance=inverse", "train.class_balance needs classes"},
           {"split.imbalance=10", "split.imbalance needs classes"},
           {"augment.flip=true", "change what a regression asks for, the angle"},
           {"augment.rotate_degrees=5", "change what a regression asks for, the angle"}}) {
    std::vector<std::string> sets = angles("joint");
    sets.push_back(set);
    const Error error = error_of([&] { run(small_config(sets), folder, listener); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace sooner
