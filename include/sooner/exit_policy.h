// When a sample leaves: the policies there are, thresholds and their units, the interface for one's own and its row in
// the table, and scores to build it from.
#pragma once

#include "policy/exit_policy.h"
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"
