// A policy as format versions 1 to 5 hold it: one member for each setting that the policies of their time had.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "policy/exit_policy.h"

namespace sooner {

// The oldest of those versions that can hold the policy; nothing where none can.
std::optional<int> old_policy_version(const PolicySpec& policy);

// REQUIRES: version >= old_policy_version(policy), thresholds as scores.
nlohmann::ordered_json old_policy_to_json(const PolicySpec& policy, int version);

// Throws as policy_from_json does. A member that belongs to another policy and did nothing there is left out.
PolicySpec old_policy_from_json(const JsonValue& value, int64_t version);

}  // namespace sooner
