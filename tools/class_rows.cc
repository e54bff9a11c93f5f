#include "class_rows.h"

#include "policy/scores.h"

namespace sooner {

std::vector<ReportClass> class_rows(const Manifest& manifest, const Evaluation& evaluation, const LogitTable& table) {
  std::vector<ReportClass> rows;
  for (size_t c = 0; c < manifest.class_names.size(); ++c) {
    rows.push_back({.name = manifest.class_names[c],
                    .accuracy = evaluation.class_accuracy[c],
                    .cost = evaluation.class_cost[c],
                    .differs = 0,
                    .shares = std::vector<double>(static_cast<size_t>(table.exits), 0)});
  }
  for (size_t n = 0; n < evaluation.results.size(); ++n) {
    const Result& result = evaluation.results[n];
    ReportClass& row = rows[static_cast<size_t>(table.labels[n])];
    ++row.samples;
    ++row.shares[static_cast<size_t>(result.exit_index)];
    if (argmax(table.at(static_cast<int64_t>(n), table.exits - 1)) != result.label) ++row.differs;
  }
  for (ReportClass& row : rows) {
    // Of an absent class nothing is known.
    const double samples = row.samples > 0 ? static_cast<double>(row.samples) : kUnknown;
    row.differs /= samples;
    for (double& share : row.shares) share /= samples;
  }
  return rows;
}

}  // namespace sooner
