#include "tune/choosing/grid.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"
#include "policy/policy_kind.h"

namespace sooner {
namespace {

std::vector<double> all_values(const std::vector<float>& scores, const PolicyKind& kind, int32_t classes) {
  std::vector<double> values;
  for (const double told : kind.grid) {
    values.push_back(score_of(Threshold::in(kind.unit.name, told), kind.unit, kind.name, classes));
  }
  if (!values.empty()) return values;
  std::vector<float> surest_first = scores;
  std::ranges::sort(surest_first, std::greater<>());
  const size_t parts = kGridQuantiles;
  for (size_t i = 1; i <= parts; ++i) {
    values.push_back(static_cast<double>(surest_first[surest_first.size() * i / parts - (i == parts ? 1 : 0)]));
  }
  return values;
}

// `count` of the values, the last among them.
std::vector<double> thinned(const std::vector<double>& values, size_t count) {
  if (values.size() <= count) return values;
  std::vector<double> chosen;
  for (size_t i = 1; i <= count; ++i) chosen.push_back(values[values.size() * i / count - 1]);
  return chosen;
}

}  // namespace

std::vector<std::vector<double>> grid_values(const ScoreTable& table, const std::string& policy_name, int32_t classes,
                                             int64_t most_choices) {
  const auto early = static_cast<size_t>(table.exits - 1);
  if (std::exp2(static_cast<double>(early)) > static_cast<double>(most_choices)) {
    fail(Code::kInvalidArgument,
         "[grid] got {} early exits, whose choices are more than {} even with two values each; keep fewer exits "
         "(`sooner exits`)",
         early, most_choices);
  }
  const PolicyKind& kind = policy_kind(policy_name, classes);
  const size_t listed = kind.grid.empty() ? kGridQuantiles : kind.grid.size();
  size_t count = 1;  // the most whose power is within the limit; +inf beside them
  while (count <= listed &&
         std::pow(static_cast<double>(count + 2), static_cast<double>(early)) <= static_cast<double>(most_choices)) {
    ++count;
  }
  std::vector<std::vector<double>> grid;
  for (size_t k = 0; k < early; ++k) {
    std::vector<double> values = thinned(all_values(table.scores[k], kind, classes), count);
    values.insert(values.begin(), std::numeric_limits<double>::infinity());
    values.erase(std::ranges::unique(values).begin(), values.end());
    grid.push_back(std::move(values));
  }
  return grid;
}

std::vector<ThresholdChoice> grid_front(const ScoreTable& table, const std::string& policy_name, int32_t classes,
                                        int64_t most_choices) {
  if (table.samples < 1) fail(Code::kInvalidArgument, "[grid] got no samples, expected at least 1");
  const std::vector<std::vector<double>> grid = grid_values(table, policy_name, classes, most_choices);
  int64_t combinations = 1;
  for (const std::vector<double>& values : grid) combinations *= static_cast<int64_t>(values.size());
  std::vector<ThresholdChoice> choices(static_cast<size_t>(combinations));
  for_each_block(combinations, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      ThresholdChoice& choice = choices[static_cast<size_t>(i)];
      auto rest = static_cast<size_t>(i);
      for (const std::vector<double>& values : grid) {
        choice.thresholds.push_back(values[rest % values.size()]);
        rest /= values.size();
      }
      choice.expected = outcome(table, choice.thresholds);
    }
  });
  std::ranges::stable_sort(choices, [](const ThresholdChoice& a, const ThresholdChoice& b) {
    return a.expected.cost != b.expected.cost ? a.expected.cost < b.expected.cost
                                              : a.expected.quality > b.expected.quality;
  });
  std::vector<ThresholdChoice> front;
  for (ThresholdChoice& choice : choices) {
    if (front.empty() || choice.expected.quality > front.back().expected.quality) front.push_back(std::move(choice));
  }
  return front;
}

}  // namespace sooner
