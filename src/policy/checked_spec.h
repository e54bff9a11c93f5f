// The one place where a PolicySpec is checked.
#pragma once

#include "policy/policy_kind.h"

namespace sooner {

// `spec` with thresholds and temperatures as they will be used: filled in where it leaves them out. Throws what
// make_policy throws.
PolicySpec checked_spec(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context);

}  // namespace sooner
