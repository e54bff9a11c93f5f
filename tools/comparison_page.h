// Trained networks held side by side, as `sooner compare` shows them: a table for people, rows for programs, a page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/table.h"
#include "eval/comparison.h"
#include "format/model_file.h"
#include "measure/benchmark.h"
#include "measure/model_data.h"
#include "report/report_data.h"

namespace sooner {

struct ComparisonTerms {
  std::vector<double> budgets{25, 50, 75, 100};  // percent of the plain backbone's MACs
  std::vector<std::string> policies{"max-prob", "gate"};
  std::string split = "test";
};

struct ComparedRun {
  std::filesystem::path folder;
  ModelFile file;
  NetworkResult result = {};
  std::vector<ClassOutcome> classes = {};  // at the point drawn
  double seconds = 0;                      // of training; NaN where the run does not say
  // Of result.budgets, where they were timed: microseconds per image, and what share of the first contender's that is.
  std::vector<Timing> timings = {};
};

// The runs of one configuration, one a seed.
struct Contender {
  std::string name;
  std::vector<std::filesystem::path> folders;
  std::vector<ComparedRun> runs;
};

// Contenders that answer the same samples.
struct Field {
  ModelData data;
  std::vector<Contender> contenders;
};

// Shares and classes are shown at the middle budget that the network can meet; null: it meets none.
const BudgetPoint* drawn_point(const NetworkResult& result, const ComparisonTerms& terms);

// A row a contender, means over its runs.
ReportTable summary_table(const Field& field, const ComparisonTerms& terms);
// A row for everything that was timed; none: nothing was.
ReportTable timing_table(const Field& field);
// Every number for programs: one row a run and operating point.
Table point_table(const std::vector<Field>& fields);
void write_comparison_page(const Field& field, const ComparisonTerms& terms, const std::filesystem::path& page);

}  // namespace sooner
