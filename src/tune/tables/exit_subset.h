// A table as it would be were some of its early exits not there: their heads are not paid for.
#pragma once

#include <span>

#include "tune/tables/logit_table.h"

namespace sooner {

// The early exits `kept` alone, which become 0, 1, …, and the last one. Throws kInvalidArgument unless `kept` rises and
// names early exits, or the table lacks head_cost. REQUIRES: a valid table. Recorded times are left out.
LogitTable keep_exits(const LogitTable& table, std::span<const size_t> kept);

}  // namespace sooner
