// Where exits may stand in a plain network, as a table.
#pragma once

#include "cli/table.h"
#include "graph/graph.h"

namespace sooner {

// Trunk points at which one value crosses the cut: name, shape, share of the network's MACs up to there, and the bytes
// of that value (fp32, one sample). Of points with no arithmetic between them the deepest alone, as place_exits's
// "every" chooses them, unless `all`.
Table cut_table(const Graph& plain, bool all);

}  // namespace sooner
