#include "cut_table.h"

#include <algorithm>

#include "core/text.h"
#include "graph/graph_builder.h"
#include "graph/shape_inference.h"
#include "zoo/placement.h"

namespace sooner {

Table cut_table(const Graph& plain, bool all) {
  const std::vector<Shape> shapes = infer_shapes(plain);
  const std::vector<std::string> chosen = all ? std::vector<std::string>{} : place_exits(plain, "every");
  Table table({"place", "operation", "shape", "share of MACs", "bytes to carry"});
  for (const CutPoint& cut : single_value_cuts(plain)) {
    const Node& node = plain.node(cut.node);
    if (!all && std::ranges::find(chosen, node.name) == chosen.end()) continue;
    const Shape& shape = shapes[static_cast<size_t>(cut.node)];
    table.add({cell(node.name), cell(std::string(to_string(node.op))), cell(to_string(shape)),
               number(cut.mac_fraction, 4), count(element_count(shape) * static_cast<int64_t>(sizeof(float)))});
  }
  return table;
}

}  // namespace sooner
