#include "policy/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "support/policy_walk.h"

namespace sooner {
namespace {

uint64_t fingerprint(const PolicySpec& spec, const PolicyContext& context = kThreeExits) {
  return make_policy(spec, context)->fingerprint();
}

TEST(Fingerprint, IsThatOfEqualSpecsAlone) {
  const PolicySpec margin{.name = "margin", .thresholds = Threshold::scores({0.25, 0.5})};
  EXPECT_EQ(fingerprint(margin), fingerprint(margin));
  std::set<uint64_t> seen = {fingerprint(margin)};
  const auto differs = [&](const std::function<void(PolicySpec&)>& change) {
    PolicySpec other = margin;
    change(other);
    EXPECT_TRUE(seen.insert(fingerprint(other)).second) << canonical_text(other, kThreeExits);
  };
  differs([](PolicySpec& spec) { spec.name = "max-prob"; });
  differs([](PolicySpec& spec) { spec.thresholds = Threshold::scores({0.25, 0.5000000000000001}); });
  differs([](PolicySpec& spec) { spec.temperatures = {1, 1, 2}; });
  differs([](PolicySpec& spec) { spec.wrappers.cap = 1; });
  differs([](PolicySpec& spec) { spec.wrappers.abstain_below = Threshold::score(0); });
  differs([](PolicySpec& spec) { spec.wrappers.surest_so_far = true; });
  differs([](PolicySpec& spec) { spec.wrappers.deadline_seconds = 1; });
  differs([](PolicySpec& spec) {
    spec.thresholds = {};
    spec.class_thresholds = {Threshold::scores({0.25, 0.25}), Threshold::scores({0.5, 0.5})};
  });
  differs([](PolicySpec& spec) { spec.name = "ensemble"; });
  differs([](PolicySpec& spec) {
    spec.name = "ensemble";
    spec.settings.set("mean", "arithmetic");
  });
  differs([](PolicySpec& spec) {
    spec.name = "ensemble";
    spec.settings.set("weights", NumberRows{{0}, {0, 0.5}});
  });
  differs([](PolicySpec& spec) {
    spec.name = "ensemble";
    spec.settings.set("biases", NumberRows{{0, 0}, {0, 0.5}});
  });
  differs([](PolicySpec& spec) { spec = {.name = "always", .settings = {{"exit", 1}}}; });
  differs([](PolicySpec& spec) { spec = {.name = "always", .settings = {{"exit", 2}}}; });
}

TEST(Fingerprint, KnowsPartsAndTheirOrder) {
  const PolicySpec patience{.name = "patience"}, gate{.name = "gate"};
  PolicySpec one{.name = "any"}, other{.name = "any"}, all{.name = "all"};
  one.parts = all.parts = {patience, gate};
  other.parts = {gate, patience};
  EXPECT_NE(fingerprint(one), fingerprint(other));
  EXPECT_NE(fingerprint(one), fingerprint(all));
}

TEST(Fingerprint, TakesWhatWasLeftOutForWhatItMeans) {
  const PolicySpec plain{.name = "gate"},
      named{.name = "gate", .thresholds = Threshold::scores({0.5, 0.5}), .temperatures = {1, 1, 1}};
  EXPECT_EQ(fingerprint(plain), fingerprint(named));
  PolicySpec one{.name = "any"}, other{.name = "any"};
  one.parts = {plain};
  other.parts = {named};
  EXPECT_EQ(fingerprint(one), fingerprint(other));
}

TEST(Fingerprint, KnowsTheCostWeightThatGatesBeginWith) {
  PolicyContext context = kThreeExits;
  context.cost_weights = CostWeights{.low = 0.01, .high = 1, .standard = 0.1, .shifts = {{1, 0}, {2, 0}}};
  PolicySpec gate{.name = "gate"}, cheap = gate;
  cheap.settings.set("cost_weight", 1.0);
  EXPECT_NE(fingerprint(gate, context), fingerprint(cheap, context));
  EXPECT_NE(fingerprint(gate, context), fingerprint(gate));
}

class Own : public ExitPolicy {
 public:
  Own(std::string_view name, size_t bytes) : name_(name), bytes_(bytes) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] size_t state_bytes() const override { return bytes_; }
  ExitVerdict decide(const ExitObservation&, std::span<std::byte>) const override { return {}; }

 private:
  std::string_view name_;
  size_t bytes_;
};

class Settings final : public Own {
 public:
  explicit Settings(uint64_t setting) : Own("own", 8), setting_(setting) {}
  [[nodiscard]] uint64_t fingerprint() const override { return Own::fingerprint() + setting_; }

 private:
  uint64_t setting_;
};

TEST(Fingerprint, OfAProgramsOwnPolicyIsThatOfItsNameAndStateUnlessItSaysOtherwise) {
  EXPECT_EQ(Own("own", 8).fingerprint(), Own("own", 8).fingerprint());
  EXPECT_NE(Own("own", 8).fingerprint(), Own("own", 16).fingerprint());
  EXPECT_NE(Own("own", 8).fingerprint(), Own("other", 8).fingerprint());
  EXPECT_NE(Settings(1).fingerprint(), Settings(2).fingerprint());
}

}  // namespace
}  // namespace sooner
