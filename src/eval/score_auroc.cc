#include "eval/score_auroc.h"

#include <algorithm>
#include <cmath>

#include "eval/auroc.h"
#include "policy/policy_kind.h"
#include "tune/tables/score_table.h"

namespace sooner {

std::vector<std::optional<double>> score_aurocs(const LogitTable& table, const PolicySpec& policy) {
  const auto exits = static_cast<size_t>(table.exits);
  std::vector<std::optional<double>> result(exits);
  const PolicyKind& kind = policy_kind(policy.name, table.classes);
  if (!kind.thresholds) return result;
  const ScoreTable scores = score_table(table, policy);
  for (size_t k = 0; k < exits - (kind.scores_last_exit ? 0 : 1); ++k) {
    const std::vector<double> each(scores.scores[k].begin(), scores.scores[k].end());
    if (std::ranges::any_of(each, [](double score) { return std::isnan(score); })) continue;
    std::vector<uint8_t> right;
    for (const float quality : scores.quality[k]) right.push_back(quality > 0 ? 1 : 0);
    result[k] = auroc(each, right);
  }
  return result;
}

}  // namespace sooner
