#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "policy/exit_policy.h"
#include "support/policy_walk.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct BadSpec {
  PolicySpec spec;
  PolicyContext context;
  std::string message;
};

PolicySpec nested(int depth) {
  PolicySpec spec{.name = "gate"};
  for (int i = 0; i < depth; ++i) spec = {.name = "any", .parts = {spec}};
  return spec;
}

class BadPolicySpec : public ::testing::TestWithParam<BadSpec> {};

TEST_P(BadPolicySpec, IsRefusedWithAMessageThatHelps) {
  try {
    make_policy(GetParam().spec, GetParam().context);
    FAIL() << "accepted; expected: " << GetParam().message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicySpec,
    ::testing::Values(
        BadSpec{{.name = "entorpy", .thresholds = Threshold::scores({0, 0})}, kThreeExits, "did you mean 'entropy'?"},
        BadSpec{{.name = "zzz"}, kThreeExits, "expected one of entropy, max-prob"},
        BadSpec{{.name = "entropy"}, kThreeExits, "got 0 thresholds, expected 2"},
        BadSpec{{.name = "entropy", .thresholds = Threshold::scores({0, 0, 0})},
                kThreeExits,
                "got 3 thresholds, expected 2"},
        BadSpec{{.name = "gate", .thresholds = Threshold::scores({0.5})}, kThreeExits, "got 1 thresholds, expected 2"},
        BadSpec{
            {.name = "never", .thresholds = Threshold::scores({0.5})}, kThreeExits, "got 1 thresholds, expected none"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, std::nan("")})},
                kThreeExits,
                "threshold NaN at exit 1"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, 0}), .temperatures = {1, 1}},
                kThreeExits,
                "got 2 temperatures, expected 3"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, 0}), .temperatures = {1, 0, 1}},
                kThreeExits,
                "got temperature 0 at exit 1"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, 0}), .temperatures = {1, 1, -2}},
                kThreeExits,
                "temperature -2 at exit 2"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, 0}), .temperatures = {1, kInfinity, 1}},
                kThreeExits,
                "temperature inf"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({0, 0}), .temperatures = {std::nan(""), 1, 1}},
                kThreeExits,
                "temperature nan"},
        BadSpec{{.name = "patience", .thresholds = Threshold::scores({1, -1})},
                kThreeExits,
                "threshold -1 at exit 1, expected 0 to 1"},
        BadSpec{{.name = "patience", .thresholds = Threshold::scores({2, 2})},
                kThreeExits,
                "threshold 2 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "gate", .thresholds = Threshold::scores({1.5, 1})},
                kThreeExits,
                "threshold 1.5 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "confidence", .thresholds = Threshold::scores({1, -1})},
                kThreeExits,
                "threshold -1 at exit 1, expected 0 to 1"},
        BadSpec{{.name = "margin", .thresholds = Threshold::scores({50, 1})},
                kThreeExits,
                "threshold 50 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "entropy", .thresholds = Threshold::scores({-2, 5})},
                kThreeExits,
                "threshold 5 at exit 1, expected -inf to 1"},
        BadSpec{{.name = "vote", .thresholds = Threshold::scores({1.5, 1})},
                kThreeExits,
                "threshold 1.5 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "vote"}, kThreeExits, "got 0 thresholds, expected 2"},
        BadSpec{{.name = "vote", .thresholds = {Threshold::probability(0.5), Threshold::nobody()}},
                kThreeExits,
                "'vote' got a threshold of 0.5 probability, expected one in its unit, vote, or a score"},
        BadSpec{{.name = "max-prob", .thresholds = Threshold::all_in("probability", {0.5, 1.5})},
                kThreeExits,
                "got probability 1.5, expected 0 to 1"},
        BadSpec{{.name = "entropy", .thresholds = Threshold::all_in("nats", {0.5, -1})},
                kThreeExits,
                "got -1 nats of entropy, expected 0 or more"},
        BadSpec{{.name = "never", .wrappers = {.abstain_below = Threshold::nats(1)}},
                kThreeExits,
                "'max-prob' got a threshold of 1 nats, expected one in its unit, probability"},
        BadSpec{{.name = "gate", .settings = {{"cost_wieght", 0.5}}},
                kThreeExits,
                "'gate' got the setting 'cost_wieght', expected none; no policy has one of that name"},
        BadSpec{{.name = "gate", .settings = {{"cost_weight", 1}}},
                kThreeExits,
                "'gate' got a whole number for 'cost_weight', expected a number"},
        BadSpec{{.name = "never", .settings = {{"cost_weight", 0.5}}},
                kThreeExits,
                "'never' got the setting 'cost_weight', expected none; 'gate' and 'confidence' have it"},
        BadSpec{{.name = "always", .settings = {{"exit", "first"}}},
                kThreeExits,
                "'always' got a text for 'exit', expected a whole number"},
        BadSpec{{.name = "max-prob",
                 .thresholds = Threshold::scores({1, 1}),
                 .settings = {{"weights", NumberRows{{0}, {0, 0}}}}},
                kThreeExits,
                "got the setting 'weights', expected none; 'ensemble' and 'learned' have it"},
        BadSpec{{.name = "ensemble", .thresholds = Threshold::scores({1, 1}), .settings = {{"mean", "geometirc"}}},
                kThreeExits,
                "did you mean 'geometric'?"},
        BadSpec{{.name = "ensemble",
                 .thresholds = Threshold::scores({1, 1}),
                 .settings = {{"mean", "arithmetic"}, {"biases", NumberRows{{0, 0}}}}},
                kThreeExits,
                "for an arithmetic mean"},
        BadSpec{{.name = "ensemble",
                 .thresholds = Threshold::scores({1, 1}),
                 .settings = {{"weights", NumberRows{{0}, {0}}}}},
                kThreeExits,
                "got 1 weights at exit 1, expected 2"},
        BadSpec{
            {.name = "ensemble", .thresholds = Threshold::scores({1, 1}), .settings = {{"weights", NumberRows{{0}}}}},
            kThreeExits,
            "got weights for 1 exits, expected 2"},
        BadSpec{{.name = "ensemble",
                 .thresholds = Threshold::scores({1, 1}),
                 .settings = {{"biases", NumberRows{{0, 0}, {0, std::nan("")}}}}},
                kThreeExits,
                "got nan among its biases at exit 1"},
        BadSpec{{.name = "any"}, kThreeExits, "'any' got 0 parts"},
        BadSpec{{.name = "gate", .parts = {{}}}, kThreeExits, "'gate' got 1 parts, expected none"},
        BadSpec{nested(9), kThreeExits, "'any' got policies nested more than 8 deep"},
        BadSpec{{.name = "all", .parts = {{.name = "gates"}}}, kThreeExits, "did you mean 'gate'?"},
        BadSpec{{.name = "all", .parts = {{.name = "gate", .wrappers = {.cap = 1}}}},
                kThreeExits,
                "part 'gate' of 'all' got a cap, deadline, abstention or surest exit so far"},
        BadSpec{{.name = "any", .parts = {{.name = "gate", .wrappers = {.surest_so_far = true}}}},
                kThreeExits,
                "part 'gate' of 'any' got a cap, deadline, abstention or surest exit so far"},
        BadSpec{{.name = "always", .wrappers = {.surest_so_far = true}}, kThreeExits, "looks at one exit alone"},
        BadSpec{{.name = "never", .wrappers = {.surest_so_far = true}},
                {.exits = 2, .classes = 1},
                "the surest exit so far for a model that answers with a number"},
        BadSpec{{.name = "any", .thresholds = Threshold::scores({1, 1}), .parts = {{}}},
                kThreeExits,
                "got 2 thresholds, expected none"},
        BadSpec{{.name = "never", .class_thresholds = {Threshold::scores({0, 0}), Threshold::scores({0, 0})}},
                kThreeExits,
                "thresholds by class"},
        BadSpec{{.name = "gate",
                 .thresholds = Threshold::scores({0, 0}),
                 .class_thresholds = {Threshold::scores({0, 0}), Threshold::scores({0, 0})}},
                kThreeExits,
                "for exits and for classes"},
        BadSpec{
            {.name = "gate", .class_thresholds = {Threshold::scores({0, 0})}}, kThreeExits, "for 1 exits, expected 2"},
        BadSpec{{.name = "gate", .class_thresholds = {Threshold::scores({0, 0}), Threshold::scores({0})}},
                kThreeExits,
                "got 1 thresholds by class at exit 1, expected 2"},
        BadSpec{{.name = "gate", .class_thresholds = {Threshold::scores({0, 0}), Threshold::scores({0, std::nan("")})}},
                kThreeExits,
                "NaN at exit 1"},
        BadSpec{{.name = "patience", .wrappers = {.abstain_below = Threshold::score(std::nan(""))}},
                kThreeExits,
                "got nan to abstain below"},
        BadSpec{{.name = "patience", .wrappers = {.abstain_below = Threshold::nobody()}},
                kThreeExits,
                "got inf to abstain below"},
        BadSpec{{.name = "gate", .wrappers = {.deadline_seconds = 0}}, kThreeExits, "a deadline of 0 s"},
        BadSpec{{.name = "gate", .wrappers = {.deadline_seconds = std::nan("")}}, kThreeExits, "a deadline of nan s"},
        BadSpec{{.name = "always", .settings = {{"exit", 3}}}, kThreeExits, "'always' got exit 3, expected 0 to 2"},
        BadSpec{{.name = "always", .settings = {{"exit", -1}}}, kThreeExits, "got exit -1"},
        BadSpec{{.name = "never", .wrappers = {.cap = 3}}, kThreeExits, "the cap got exit 3, expected -1 to 2"},
        BadSpec{{.name = "never", .wrappers = {.cap = -2}}, kThreeExits, "the cap got exit -2"},
        BadSpec{{.name = "gate"}, {.exits = 3, .classes = 2, .has_gates = false}, "this model has none"},
        BadSpec{{.name = "confidence"}, {.exits = 2, .classes = 2, .has_gates = false}, "needs a gate"},
        BadSpec{{.name = "never"}, {.exits = 0, .classes = 2}, "0 exits"},
        BadSpec{{.name = "patience"}, {.exits = 2, .classes = 1}, "0 thresholds, expected 1"},
        BadSpec{{.name = "patience", .thresholds = Threshold::scores({1})},
                {.exits = 2, .classes = 1},
                "threshold 1 at exit 0"},
        BadSpec{{.name = "patience", .thresholds = Threshold::scores({-1}), .temperatures = {1, 1}},
                {.exits = 2, .classes = 1},
                "temperatures for a model that answers with a number"},
        BadSpec{{.name = "patience", .class_thresholds = {Threshold::scores({-1})}},
                {.exits = 2, .classes = 1},
                "thresholds by class"},
        BadSpec{{.name = "never", .wrappers = {.abstain_below = Threshold::score(0.5)}},
                {.exits = 2, .classes = 1},
                "no score to abstain by"},
        BadSpec{{.name = "never"}, {.exits = 1, .classes = 0}, "0 classes"}));

}  // namespace
}  // namespace sooner
