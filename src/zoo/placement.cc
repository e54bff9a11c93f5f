#include "zoo/placement.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "graph/graph_builder.h"

namespace sooner {
namespace {

std::string deepest_cut(const Graph& plain, const std::vector<CutPoint>& cuts, std::string_view text) {
  const double fraction = parse_number("placement", text);
  if (!(fraction > 0 && fraction < 1)) {
    fail(Code::kInvalidArgument, "[placement] fraction '{}' is out of range, expected above 0 and below 1", text);
  }
  const CutPoint* best = nullptr;
  for (const CutPoint& cut : cuts) {
    if (best == nullptr || cut.mac_fraction <= fraction) best = &cut;
  }
  if (best == nullptr) fail(Code::kInvalidArgument, "[placement] '{}' has no place for an exit", plain.name);
  return plain.node(best->node).name;
}

}  // namespace

std::vector<std::string> place_exits(const Graph& plain, std::string_view placement) {
  if (placement == "none") return {};
  const size_t colon = placement.find(':');
  const std::string_view rule = placement.substr(0, colon);
  if (colon == std::string_view::npos || (rule != "names" && rule != "fractions")) {
    fail(Code::kInvalidArgument, "[placement] '{}' is unknown; expected names:a,b or fractions:.3,.6 or none",
         placement);
  }
  std::vector<std::string> points;
  const std::vector<CutPoint> cuts = single_value_cuts(plain);
  for (const std::string& item : split(placement.substr(colon + 1), ',')) {
    std::string point = rule == "names" ? item : deepest_cut(plain, cuts, item);
    if (std::find(points.begin(), points.end(), point) != points.end()) {
      fail(Code::kInvalidArgument, "[placement] '{}' puts two exits at '{}'; move one or drop it", placement, point);
    }
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace sooner
