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
        BadSpec{{.name = "entorpy", .thresholds = {0, 0}}, kThreeExits, "did you mean 'entropy'?"},
        BadSpec{{.name = "zzz"}, kThreeExits, "expected one of entropy, max-prob"},
        BadSpec{{.name = "entropy"}, kThreeExits, "got 0 thresholds, expected 2"},
        BadSpec{{.name = "entropy", .thresholds = {0, 0, 0}}, kThreeExits, "got 3 thresholds, expected 2"},
        BadSpec{{.name = "gate", .thresholds = {0.5}}, kThreeExits, "got 1 thresholds, expected 2"},
        BadSpec{{.name = "never", .thresholds = {0.5}}, kThreeExits, "got 1 thresholds, expected none"},
        BadSpec{{.name = "margin", .thresholds = {0, std::nan("")}}, kThreeExits, "threshold NaN at exit 1"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 1}},
                kThreeExits,
                "got 2 temperatures, expected 3"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 0, 1}},
                kThreeExits,
                "got temperature 0 at exit 1"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 1, -2}},
                kThreeExits,
                "temperature -2 at exit 2"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, kInfinity, 1}},
                kThreeExits,
                "temperature inf"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {std::nan(""), 1, 1}},
                kThreeExits,
                "temperature nan"},
        BadSpec{{.name = "patience", .thresholds = {1, -1}}, kThreeExits, "threshold -1 at exit 1, expected 0 to 1"},
        BadSpec{{.name = "patience", .thresholds = {2, 2}}, kThreeExits, "threshold 2 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "gate", .thresholds = {1.5, 1}}, kThreeExits, "threshold 1.5 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "confidence", .thresholds = {1, -1}}, kThreeExits, "threshold -1 at exit 1, expected 0 to 1"},
        BadSpec{{.name = "margin", .thresholds = {50, 1}}, kThreeExits, "threshold 50 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "entropy", .thresholds = {-2, 5}}, kThreeExits, "threshold 5 at exit 1, expected -inf to 1"},
        BadSpec{{.name = "vote", .thresholds = {1.5, 1}}, kThreeExits, "threshold 1.5 at exit 0, expected 0 to 1"},
        BadSpec{{.name = "vote"}, kThreeExits, "got 0 thresholds, expected 2"},
        BadSpec{{.name = "max-prob", .thresholds = {1, 1}, .ensemble = {.weights = {{0}, {0, 0}}}},
                kThreeExits,
                "got a way to join exits, expected none; use 'ensemble'"},
        BadSpec{{.name = "ensemble", .thresholds = {1, 1}, .ensemble = {.mean = "geometirc"}},
                kThreeExits,
                "did you mean 'geometric'?"},
        BadSpec{{.name = "ensemble", .thresholds = {1, 1}, .ensemble = {.mean = "arithmetic", .biases = {{0, 0}}}},
                kThreeExits,
                "for an arithmetic mean"},
        BadSpec{{.name = "ensemble", .thresholds = {1, 1}, .ensemble = {.weights = {{0}, {0}}}},
                kThreeExits,
                "got 1 weights at exit 1, expected 2"},
        BadSpec{{.name = "ensemble", .thresholds = {1, 1}, .ensemble = {.weights = {{0}}}},
                kThreeExits,
                "got weights for 1 exits, expected 2"},
        BadSpec{{.name = "ensemble", .thresholds = {1, 1}, .ensemble = {.biases = {{0, 0}, {0, std::nan("")}}}},
                kThreeExits,
                "got nan among its biases at exit 1"},
        BadSpec{{.name = "any"}, kThreeExits, "'any' got 0 parts"},
        BadSpec{{.name = "gate", .parts = {{}}}, kThreeExits, "'gate' got 1 parts, expected none"},
        BadSpec{nested(9), kThreeExits, "'any' got policies nested more than 8 deep"},
        BadSpec{{.name = "all", .parts = {{.name = "gates"}}}, kThreeExits, "did you mean 'gate'?"},
        BadSpec{{.name = "all", .parts = {{.name = "gate", .cap = 1}}},
                kThreeExits,
                "part 'gate' of 'all' got a cap, deadline, abstention or surest exit so far"},
        BadSpec{{.name = "any", .parts = {{.name = "gate", .surest_so_far = true}}},
                kThreeExits,
                "part 'gate' of 'any' got a cap, deadline, abstention or surest exit so far"},
        BadSpec{{.name = "always", .surest_so_far = true}, kThreeExits, "looks at one exit alone"},
        BadSpec{{.name = "never", .surest_so_far = true},
                {.exits = 2, .classes = 1},
                "the surest exit so far for a model that answers with a number"},
        BadSpec{{.name = "any", .thresholds = {1, 1}, .parts = {{}}}, kThreeExits, "got 2 thresholds, expected none"},
        BadSpec{{.name = "never", .class_thresholds = {{0, 0}, {0, 0}}}, kThreeExits, "thresholds by class"},
        BadSpec{{.name = "gate", .thresholds = {0, 0}, .class_thresholds = {{0, 0}, {0, 0}}},
                kThreeExits,
                "for exits and for classes"},
        BadSpec{{.name = "gate", .class_thresholds = {{0, 0}}}, kThreeExits, "for 1 exits, expected 2"},
        BadSpec{{.name = "gate", .class_thresholds = {{0, 0}, {0}}},
                kThreeExits,
                "got 1 thresholds by class at exit 1, expected 2"},
        BadSpec{{.name = "gate", .class_thresholds = {{0, 0}, {0, std::nan("")}}}, kThreeExits, "NaN at exit 1"},
        BadSpec{{.name = "patience", .abstain_below = std::nan("")}, kThreeExits, "got nan to abstain below"},
        BadSpec{{.name = "patience", .abstain_below = kInfinity}, kThreeExits, "got inf to abstain below"},
        BadSpec{{.name = "gate", .deadline_seconds = 0}, kThreeExits, "a deadline of 0 s"},
        BadSpec{{.name = "gate", .deadline_seconds = std::nan("")}, kThreeExits, "a deadline of nan s"},
        BadSpec{{.name = "always", .always_exit = 3}, kThreeExits, "'always' got exit 3, expected 0 to 2"},
        BadSpec{{.name = "always", .always_exit = -1}, kThreeExits, "got exit -1"},
        BadSpec{{.name = "never", .cap = 3}, kThreeExits, "the cap got exit 3, expected -1 to 2"},
        BadSpec{{.name = "never", .cap = -2}, kThreeExits, "the cap got exit -2"},
        BadSpec{{.name = "gate"}, {.exits = 3, .classes = 2, .has_gates = false}, "this model has none"},
        BadSpec{{.name = "confidence"}, {.exits = 2, .classes = 2, .has_gates = false}, "needs a gate"},
        BadSpec{{.name = "never"}, {.exits = 0, .classes = 2}, "0 exits"},
        BadSpec{{.name = "patience"}, {.exits = 2, .classes = 1}, "0 thresholds, expected 1"},
        BadSpec{{.name = "patience", .thresholds = {1}}, {.exits = 2, .classes = 1}, "threshold 1 at exit 0"},
        BadSpec{{.name = "patience", .thresholds = {-1}, .temperatures = {1, 1}},
                {.exits = 2, .classes = 1},
                "temperatures for a model that answers with a number"},
        BadSpec{{.name = "patience", .class_thresholds = {{-1}}}, {.exits = 2, .classes = 1}, "thresholds by class"},
        BadSpec{{.name = "never", .abstain_below = 0.5}, {.exits = 2, .classes = 1}, "no score to abstain by"},
        BadSpec{{.name = "never"}, {.exits = 1, .classes = 0}, "0 classes"}));

}  // namespace
}  // namespace sooner
