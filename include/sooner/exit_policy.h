// When a sample leaves: the policies there are, the interface for one's own, and scores to build it from.
#pragma once

#include "policy/exit_policy.h"
#include "policy/scores.h"
