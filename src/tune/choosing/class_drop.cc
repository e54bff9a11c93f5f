#include "tune/choosing/class_drop.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace sooner {
namespace {

// surest_first: samples at exit k. The number of them that may leave.
size_t longest_run(const ScoreTable& table, size_t k, const std::vector<size_t>& surest_first, double drop) {
  const std::vector<float>& score = table.scores[k];
  size_t longest = 0;
  float lost = 0;  // whole answers
  for (size_t i = 0; i < surest_first.size(); ++i) {
    const size_t n = surest_first[i];
    lost += table.quality.back()[n] - table.quality[k][n];
    const bool ties = i + 1 < surest_first.size() && score[surest_first[i + 1]] == score[n];
    if (!ties && static_cast<double>(lost) <= drop * static_cast<double>(i + 1) + 1e-9) longest = i + 1;
  }
  return longest;
}

double threshold_after(const std::vector<float>& score, const std::vector<size_t>& surest_first, size_t leaving) {
  if (leaving == 0) return std::numeric_limits<double>::infinity();
  const auto last = static_cast<double>(score[surest_first[leaving - 1]]);
  return leaving == surest_first.size() ? last : last / 2 + static_cast<double>(score[surest_first[leaving]]) / 2;
}

}  // namespace

std::vector<std::vector<double>> choose_by_class_drop(const ScoreTable& table, int32_t classes, double drop) {
  if (!(drop >= 0 && drop <= 1)) fail(Code::kInvalidArgument, "[tune] got drop {} by class, expected 0 to 1", drop);
  if (table.samples < 1) fail(Code::kInvalidArgument, "[tune] got no samples, expected at least 1");
  SOONER_ASSERT(table.answers.size() == table.scores.size());
  std::vector<std::vector<double>> thresholds;
  std::vector<uint8_t> gone(static_cast<size_t>(table.samples), 0);
  for (size_t k = 0; k + 1 < table.scores.size(); ++k) {
    std::vector<std::vector<size_t>> of_class(static_cast<size_t>(classes));
    for (size_t n = 0; n < gone.size(); ++n) {
      if (gone[n] == 0) of_class[static_cast<size_t>(table.answers[k][n])].push_back(n);
    }
    thresholds.emplace_back();
    for (std::vector<size_t>& samples : of_class) {
      std::ranges::sort(samples, [&](size_t a, size_t b) { return table.scores[k][a] > table.scores[k][b]; });
      const size_t leaving = longest_run(table, k, samples, drop);
      thresholds.back().push_back(threshold_after(table.scores[k], samples, leaving));
      for (size_t i = 0; i < leaving; ++i) gone[samples[i]] = 1;
    }
  }
  return thresholds;
}

}  // namespace sooner
