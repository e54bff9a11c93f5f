#include "measure/benchmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "measure/model_data.h"
#include "support/glyph_model.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

// Stops everybody at the first exit; at first with the answer 3, after `calls` decisions with 4.
class Wavering final : public ExitPolicy {
 public:
  explicit Wavering(int calls) : calls_(calls) {}
  [[nodiscard]] std::string_view name() const override { return "wavering"; }
  ExitVerdict decide(const ExitObservation& /*observation*/, std::span<std::byte> /*state*/) const override {
    return {.left = Left::kByPolicy, .score = 1, .label = calls_-- > 0 ? 3 : 4};
  }

 private:
  mutable std::atomic<int> calls_;
};

struct Timed {
  ModelFile file = test::glyph_model();
  std::shared_ptr<const Model> model = Model::from_file(file, {.batch_max = 8});
  ModelData data = open_model_data(file.manifest);
  Batch samples = load_all(file.manifest, data, data.splits.test, 20);
};

TEST(Benchmark, TimesContestantsAgainstTheFirst) {
  const Timed t;
  const std::shared_ptr<const ExitPolicy> always = make_policy({.name = "always"}, policy_context(t.file.manifest));
  const std::shared_ptr<const ExitPolicy> never = make_policy({.name = "never"}, policy_context(t.file.manifest));
  const std::vector<Timing> timings =
      benchmark({{"last", t.model, never}, {"first", t.model, always}}, t.samples, 8, 3);
  ASSERT_EQ(timings.size(), 2U);
  EXPECT_EQ(timings[0].name, "last");
  EXPECT_EQ(timings[0].batch, 8);
  EXPECT_EQ(timings[0].ratio, 1);
  EXPECT_GT(timings[0].median_us, 0);
  EXPECT_GT(timings[1].ratio, 0);
  EXPECT_GE(timings[1].call_p99_us, timings[1].call_p50_us);
}

TEST(Benchmark, RefusesAnswersThatChange) {
  const Timed t;
  EXPECT_THAT(message_of(Code::kInternal,
                         [&] { benchmark({{"a", t.model, std::make_shared<Wavering>(30)}}, t.samples, 4, 2); }),
              HasSubstr("[bench] sample 10 got label 3 (nan), then 4 (nan)"));
  const std::vector<Timing> steady = benchmark({{"a", t.model, std::make_shared<Wavering>(60)}}, t.samples, 4, 2);
  double threes = 0;
  for (const int32_t label : t.samples.labels) threes += label == 3 ? 1 : 0;
  EXPECT_DOUBLE_EQ(steady[0].quality, threes / 20);
}

}  // namespace
}  // namespace sooner
