// What it takes to tune on a table that is larger than caches, and to say how honest its probabilities are: a stored
// table of made-up logits is mapped, and each step is timed: on the clock, and by the processor time of all threads,
// which a busy machine stretches less.
//
//   large_table FILE [--samples 100000] [--exits 10] [--classes 1000] [--policy max-prob]      made when not there yet
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>

#include "bench/program.h"
#include "core/clock.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "eval/calibration_error.h"
#include "tune/choosing/budget.h"
#include "tune/choosing/shares.h"
#include "tune/fitting/temperature.h"
#include "tune/tables/logit_table_file.h"

namespace sooner {
namespace {

struct Arguments {
  std::string file;
  int64_t samples = 100'000;
  int32_t exits = 10;
  int32_t classes = 1000;
  std::string policy = "max-prob";
};

// Later exits know more; how sure they are is told three times too loudly.
void make_table(const Arguments& arguments) {
  StoredTable stored;
  LogitTable& table = stored.table;
  table.samples = arguments.samples;
  table.exits = arguments.exits;
  table.classes = arguments.classes;
  const auto samples = static_cast<size_t>(table.samples), exits = static_cast<size_t>(table.exits);
  const auto classes = static_cast<size_t>(table.classes);
  table.logits.resize(samples * exits * classes);
  table.gates.assign(samples * (exits - 1), std::nanf(""));
  table.labels.resize(samples);
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    Rng rng(static_cast<uint64_t>(begin));
    for (auto n = static_cast<size_t>(begin); n < static_cast<size_t>(end); ++n) {
      table.labels[n] = static_cast<int32_t>(rng.below(classes));
      const double difficulty = rng.normal();
      for (size_t k = 0; k < exits; ++k) {
        float* const logits = table.logits.data() + (n * exits + k) * classes;
        for (size_t c = 0; c < classes; ++c) logits[c] = static_cast<float>(3 * rng.uniform(-1, 1));
        logits[table.labels[n]] += static_cast<float>(3 * (1 + 0.2 * static_cast<double>(k) - difficulty / 2));
      }
    }
  });
  write_logit_table(stored, arguments.file);
}

class Timer {
 public:
  void done(const std::string& what) {
    const double seconds = watch_.seconds();
    const double cpu = static_cast<double>(std::clock() - last_cpu_) / CLOCKS_PER_SEC;
    total_ += seconds;
    total_cpu_ += cpu;
    print(what, seconds, cpu);
    std::fflush(stdout);
    watch_.lap();
    last_cpu_ = std::clock();
  }
  void sum() const { print("all", total_, total_cpu_); }

 private:
  static void print(const std::string& what, double seconds, double cpu) {
    fmt::print("{:<36}{:>9.2f} s{:>9.2f} s of processor time\n", what, seconds, cpu);
  }
  Stopwatch watch_;
  std::clock_t last_cpu_ = std::clock();
  double total_ = 0, total_cpu_ = 0;
};

int run(const Arguments& arguments) {
  if (!std::filesystem::exists(arguments.file)) make_table(arguments);
  Timer clock;
  StoredTable stored = read_logit_table(arguments.file);
  LogitTable& table = stored.table;
  for (int32_t k = 0; k < table.exits; ++k) table.exit_cost.push_back((k + 1.0) / table.exits);
  validate(table);
  clock.done(fmt::format("map and check {} x {} x {}", table.samples, table.exits, table.classes));
  PolicySpec policy{.name = arguments.policy};
  policy.temperatures = fit_temperatures(table);
  clock.done("temperatures");
  const ScoreTable scores = score_table(table, policy);
  clock.done("scores");
  const ThresholdChoice by_budget = choose_by_budget(scores, 0.6 * table.exit_cost.back());
  clock.done("budget");
  const ThresholdChoice by_shares = choose_by_shares(scores, geometric_shares(1, table.exits));
  clock.done("shares");
  const std::vector<CalibrationError> errors = calibration_errors(table, policy.temperatures);
  clock.done("ECE, Brier, failure AUROC");
  clock.sum();
  fmt::print("budget: {:.2f} % at {:.4f}; shares: {:.2f} % at {:.4f}\n", 100 * by_budget.expected.quality,
             by_budget.expected.cost, 100 * by_shares.expected.quality, by_shares.expected.cost);
  for (size_t k = 0; k < errors.size(); ++k) {
    fmt::print("exit {}: T {:.4f}  accuracy {:.2f} %  ECE {:.4f}  Brier {:.4f}  failure AUROC {:.4f}\n", k,
               policy.temperatures[k], 100 * errors[k].accuracy, errors[k].ece, errors[k].brier,
               errors[k].failure_auroc.value_or(std::nan("")));
  }
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("what it takes to tune on a large stored logit table", "large_table");
  sooner::Arguments arguments;
  app.add_option("file", arguments.file, "a logit table; made when it is not there yet")->required();
  app.add_option("--samples", arguments.samples)->check(CLI::Range(2, 100'000'000))->capture_default_str();
  app.add_option("--exits", arguments.exits)->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--classes", arguments.classes)->check(CLI::Range(2, 100'000))->capture_default_str();
  app.add_option("--policy", arguments.policy)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("large_table", [&] { return sooner::run(arguments); });
}
