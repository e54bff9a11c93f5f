// A table's samples dealt out to two, every class by itself: what is fitted to one half meets the other unseen.
#pragma once

#include <array>

#include "tune/tables/logit_table.h"

namespace sooner {

// By a fixed seed; of a class of odd size the second half gets one more. Samples keep their order. Throws
// kInvalidArgument where a half would be empty. REQUIRES: a valid table, of classes.
std::array<LogitTable, 2> stratified_halves(const LogitTable& table);

}  // namespace sooner
