// A policy in the manifest: JSON <-> PolicySpec. Whether it fits the network is make_policy's to say.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "policy/exit_policy.h"

namespace sooner {

// The oldest format version that can hold the policy: 1, or 3 where it has a member that came later.
int policy_version(const PolicySpec& policy);

// Members in a fixed order, those of format version `version`. Throws kInvalidArgument for a NaN.
// REQUIRES: version >= policy_version(policy).
nlohmann::ordered_json policy_to_json(const PolicySpec& policy, int version);

// Throws kDataLoss for anything missing, unknown, or not of its type and range.
PolicySpec policy_from_json(const JsonValue& value, int64_t version);

// Null for none.
nlohmann::ordered_json cost_weights_to_json(const std::optional<CostWeights>& weights);
std::optional<CostWeights> cost_weights_from_json(const JsonValue& value);

// A number as it stands in a manifest: infinities are strings. Throws kInvalidArgument naming the field for NaN.
nlohmann::ordered_json number_to_json(double value, std::string_view field);
nlohmann::ordered_json numbers_to_json(const std::vector<double>& values, std::string_view field);

}  // namespace sooner
