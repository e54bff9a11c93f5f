#include "zoo/placement.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ranges>

#include "core/error.h"
#include "core/text.h"
#include "graph/graph_builder.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

std::string deepest_cut(const Graph& plain, const std::vector<CutPoint>& cuts, double fraction) {
  const CutPoint* best = nullptr;
  for (const CutPoint& cut : cuts) {
    if (best == nullptr || cut.mac_fraction <= fraction) best = &cut;
  }
  if (best == nullptr) fail(Code::kInvalidArgument, "[placement] '{}' has no place for an exit", plain.name);
  return plain.node(best->node).name;
}

double fraction_of(std::string_view text) {
  const double fraction = parse_number("placement", text);
  if (!(fraction > 0 && fraction < 1)) {
    fail(Code::kInvalidArgument, "[placement] fraction '{}' is out of range, expected above 0 and below 1", text);
  }
  return fraction;
}

// Of each run of cuts that have spent the same the deepest, maps before vectors.
std::vector<std::string> every_cut(const Graph& plain, const std::vector<CutPoint>& cuts) {
  const std::vector<Shape> shapes = infer_shapes(plain);
  const auto is_map = [&](const CutPoint& cut) { return shapes[static_cast<size_t>(cut.node)].size() == 3; };
  std::vector<CutPoint> chosen;
  for (const CutPoint& cut : cuts) {
    if (cut.mac_fraction >= cuts.back().mac_fraction) break;
    if (chosen.empty() || chosen.back().mac_fraction < cut.mac_fraction) {
      chosen.push_back(cut);
    } else if (is_map(cut) || !is_map(chosen.back())) {
      chosen.back() = cut;
    }
  }
  std::vector<std::string> points;
  for (const CutPoint& cut : chosen) points.push_back(plain.node(cut.node).name);
  return points;
}

// Where a rule wants exit i of n, from 0.
struct Rule {
  std::string_view name;
  double (*fraction)(double i, double n);
};
constexpr std::array<Rule, 4> kRules = {{
    {"linear", [](double i, double n) { return (i + 1) / (n + 1); }},
    {"pareto", [](double i, double /*n*/) { return 1 - std::pow(.8, i + 1); }},
    {"fine", [](double i, double /*n*/) { return 1 - std::pow(.95, i + 1); }},
    {"golden", [](double i, double n) { return std::pow(1.618, i - n); }},
}};

int64_t number_of_exits(std::string_view rule, std::string_view text) {
  const double number = parse_number("placement", text);
  if (number >= 1 && number < static_cast<double>(kMaxExits) && number == std::floor(number)) {
    return static_cast<int64_t>(number);
  }
  fail(Code::kInvalidArgument, "[placement] '{}:{}' is out of range, expected a number of exits from 1 to {}", rule,
       text, kMaxExits - 1);
}

}  // namespace

std::vector<std::string> place_exits(const Graph& plain, std::string_view placement) {
  if (placement == "none") return {};
  const std::vector<CutPoint> cuts = single_value_cuts(plain);
  if (placement == "every") return every_cut(plain, cuts);
  const size_t colon = placement.find(':');
  const std::string_view rule = placement.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? "" : placement.substr(colon + 1);
  const auto known = std::ranges::find(kRules, rule, &Rule::name);
  std::vector<std::string> points;
  const auto add = [&](std::string point) {
    if (std::ranges::find(points, point) != points.end()) {
      fail(Code::kInvalidArgument, "[placement] '{}' puts two exits at '{}'; move one or drop it", placement, point);
    }
    points.push_back(std::move(point));
  };
  if (known != kRules.end() && !argument.empty()) {
    const int64_t n = number_of_exits(rule, argument);
    for (int64_t i = 0; i < n; ++i) {
      add(deepest_cut(plain, cuts, known->fraction(static_cast<double>(i), static_cast<double>(n))));
    }
  } else if (colon != std::string_view::npos && (rule == "names" || rule == "fractions")) {
    for (const std::string& item : split(argument, ',')) {
      add(rule == "names" ? item : deepest_cut(plain, cuts, fraction_of(item)));
    }
  } else if (rule == "greedy") {
    fail(
        Code::kInvalidArgument,
        "[placement] 'greedy' needs exits that are trained; train with every, then let `sooner exits --greedy` choose");
  } else {
    fail(Code::kInvalidArgument,
         "[placement] '{}' is unknown; expected names:a,b or fractions:.3,.6 or {}:3 or every or none", placement,
         fmt::join(std::views::transform(kRules, &Rule::name), ":3 or "));
  }
  return points;
}

}  // namespace sooner
