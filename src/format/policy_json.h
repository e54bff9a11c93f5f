// A policy in the manifest: JSON <-> PolicySpec. Whether it fits the network is make_policy's to say.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "format/number_json.h"
#include "policy/exit_policy.h"

namespace sooner {

// The first version that holds any policy, by its settings; older ones hold the members that theirs had
// (old_policy_json.h).
inline constexpr int kVersionOfSettings = 6;

// The oldest format version that can hold the policy.
int policy_version(const PolicySpec& policy);

// Members in a fixed order, those of format version `version`. classes: 1 for a model that answers with a number.
// Throws kInvalidArgument for a NaN, an unknown policy or a threshold in another policy's unit.
// REQUIRES: version >= policy_version(policy).
nlohmann::ordered_json policy_to_json(const PolicySpec& policy, int version, int32_t classes);

// Throws kDataLoss for anything missing, unknown, or not of its type and range: a policy that this program does not
// know, too, by its name.
PolicySpec policy_from_json(const JsonValue& value, int64_t version, int32_t classes);

// Thresholds of a policy as people tell them and as it compares them: "unit", "values", "scores".
nlohmann::ordered_json thresholds_to_json(std::string_view policy, const std::vector<Threshold>& thresholds,
                                          int32_t classes);

// Null for none.
nlohmann::ordered_json cost_weights_to_json(const std::optional<CostWeights>& weights);
std::optional<CostWeights> cost_weights_from_json(const JsonValue& value);

}  // namespace sooner
