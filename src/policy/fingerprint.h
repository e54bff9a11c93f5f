// What a policy is known by where samples change hands: equal for two policies that decide alike from equal states,
// different for any two that might not. For identity, not for security.
#pragma once

#include <cstdint>
#include <string>

#include "policy/exit_policy.h"
#include "policy/origin.h"

namespace sooner {

// Everything that the policy is made of, in one line of text with exact numbers. REQUIRES: a spec that was checked,
// with thresholds and temperatures filled in, so that what was left out and what was named outright are the same.
std::string canonical_text(const PolicySpec& checked, const PolicyContext& context);

// Its hash, never 0.
uint64_t fingerprint_of(const PolicySpec& checked, const PolicyContext& context);

// What an answer is known by: 16 hex digits, equal where the weights, the class of numbers and the policy are.
std::string answered_by(const Origin& engine, const ExitPolicy& policy);

}  // namespace sooner
