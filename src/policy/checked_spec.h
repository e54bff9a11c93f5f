// The one place where a PolicySpec is checked.
#pragma once

#include "policy/policy_kind.h"

namespace sooner {

// `spec` as it will be used: thresholds as scores, with temperatures and defaults filled in where it leaves them out.
// Throws what make_policy throws.
PolicySpec checked_spec(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context);

// Throws kInvalidArgument, naming policy and setting, for a value of another type, out of range, or none of the
// choices.
void check_setting(std::string_view policy, const PolicySetting& setting, const SettingValue& value);

// `spec` with finite thresholds that its policy's scores cannot reach as the infinities they amount to: of files that
// were written before thresholds were held to their range. A spec that cannot be is left for checked_spec.
PolicySpec within_reach(PolicySpec spec, const PolicyContext& context);

}  // namespace sooner
