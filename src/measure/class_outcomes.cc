#include "measure/class_outcomes.h"

#include <limits>

#include "policy/scores.h"

namespace sooner {

std::vector<ClassOutcome> class_outcomes(const Manifest& manifest, const Evaluation& evaluation,
                                         const LogitTable& table) {
  std::vector<ClassOutcome> rows;
  for (size_t c = 0; c < manifest.class_names.size(); ++c) {
    rows.push_back({.name = manifest.class_names[c],
                    .accuracy = evaluation.class_accuracy[c],
                    .cost = evaluation.class_cost[c],
                    .differs = 0,
                    .shares = std::vector<double>(static_cast<size_t>(table.exits), 0)});
  }
  for (size_t n = 0; n < evaluation.results.size(); ++n) {
    const Result& result = evaluation.results[n];
    ClassOutcome& row = rows[static_cast<size_t>(table.labels[n])];
    ++row.samples;
    ++row.shares[static_cast<size_t>(result.exit_index)];
    if (argmax(table.at(static_cast<int64_t>(n), table.exits - 1)) != result.label) ++row.differs;
  }
  for (ClassOutcome& row : rows) {
    // Of an absent class nothing is known.
    const double samples =
        row.samples > 0 ? static_cast<double>(row.samples) : std::numeric_limits<double>::quiet_NaN();
    row.differs /= samples;
    for (double& share : row.shares) share /= samples;
  }
  return rows;
}

}  // namespace sooner
