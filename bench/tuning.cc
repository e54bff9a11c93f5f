// Is the accuracy tuner's choice proven best, how long does the proof take, and does it hold on samples it has not
// seen? Draws samples for tuning from a population (made-up tables, or logit tables of a model taken together), chooses
// thresholds by accuracy drop with every distinct score as a candidate, and compares them on the samples left over with
// MSDNet's budget search at the same cost on the tuning samples.
//
// Columns: C and gap on the samples tuned on, "C rival" the budget search's cost there; on the samples left over
// "lost", accuracy against the last exit's, then cost and accuracy of both, and by how much ours is ahead, with its
// standard error.
//
//   tuning [MODEL TABLE…] [--samples 5000] [--exits 4 [--independent] | --keep 0,2,4] [--seeds 10] [--drops 0,.003,.01]
//          [--policy max-prob] [--steps 200000000] [--csv]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "bench/program.h"
#include "core/clock.h"
#include "core/rng.h"
#include "format/model_file.h"
#include "graph/cost.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/choosing/budget.h"
#include "tune/choosing/shares.h"
#include "tune/tables/logit_table_file.h"
#include "tune/tables/random_table.h"
#include "tune/tables/resample.h"

namespace sooner {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> tables;
  std::string policy = "max-prob";
  int64_t samples = 5000;
  int32_t exits = 4;
  std::vector<size_t> keep;
  int seeds = 10;
  std::vector<double> drops{0, 0.003, 0.01};
  int64_t steps = AccuracyDropOptions{}.most_steps;
  bool independent = false;
  bool csv = false;
};

// Exits whose answers and scores follow one difficulty per sample, or, much harder to choose on, know nothing of each
// other.
ScoreTable made_up_population(const Arguments& arguments, uint64_t seed) {
  const int64_t samples = 3 * arguments.samples;
  if (arguments.independent) return random_score_table(seed, samples, arguments.exits, uint64_t{1} << 22U);
  return score_table(random_logit_table(seed, samples, arguments.exits, 10), {.name = arguments.policy});
}

// Rows [samples] of a table.
ScoreTable pick(const ScoreTable& from, std::span<const size_t> rows) {
  ScoreTable result{.samples = static_cast<int64_t>(rows.size()), .exits = from.exits, .exit_cost = from.exit_cost};
  for (size_t k = 0; k < from.scores.size(); ++k) {
    result.scores.emplace_back();
    result.quality.emplace_back();
    for (const size_t n : rows) {
      result.scores[k].push_back(from.scores[k][n]);
      result.quality[k].push_back(from.quality[k][n]);
    }
  }
  return result;
}

// The exits named, the last one always among them.
ScoreTable keep_exits(const ScoreTable& from, std::vector<size_t> keep) {
  keep.push_back(from.scores.size() - 1);
  ScoreTable result{.samples = from.samples, .exits = static_cast<int32_t>(keep.size())};
  for (const size_t k : keep) {
    result.scores.push_back(from.scores.at(k));
    result.quality.push_back(from.quality.at(k));
    result.exit_cost.push_back(from.exit_cost.at(k));
  }
  return result;
}

ScoreTable recorded_population(const Arguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  ScoreTable all;
  for (const std::string& path : arguments.tables) {
    StoredTable stored = read_logit_table(path);
    stored.table.exit_cost = compute_cost(file.manifest.graph).exit_fraction;
    append(all, score_table(stored.table, {.name = arguments.policy}));
  }
  return arguments.keep.empty() ? all : keep_exits(all, arguments.keep);
}

// MSDNet's family at the q whose cost on the table is the given one.
std::vector<double> budget_thresholds(const ScoreTable& table, double cost) {
  double low = 1.0 / 1024, high = 1024;  // the mean cost rises with q
  for (int step = 0; step < 40; ++step) {
    const double q = std::sqrt(low * high);
    (choose_by_shares(table, geometric_shares(q, table.exits)).expected.cost > cost ? high : low) = q;
  }
  return choose_by_shares(table, geometric_shares(low, table.exits)).thresholds;
}

struct Rival {
  Outcome ours, theirs;
  double difference = 0, error = 0;  // of accuracies on the same samples, and its standard error
};

Rival compare(const ScoreTable& table, const std::vector<double>& ours, const std::vector<double>& theirs) {
  const std::vector<int32_t> a = exits_taken(table, ours), b = exits_taken(table, theirs);
  double sum = 0, squares = 0;
  for (size_t n = 0; n < a.size(); ++n) {
    const double d = table.quality[static_cast<size_t>(a[n])][n] - table.quality[static_cast<size_t>(b[n])][n];
    sum += d;
    squares += d * d;
  }
  const auto n = static_cast<double>(table.samples);
  const double mean = sum / n;
  return {outcome(table, ours), outcome(table, theirs), mean, std::sqrt(std::max(0.0, squares / n - mean * mean) / n)};
}

void print_row(const Arguments& arguments, const std::vector<std::string>& cells) {
  if (arguments.csv) return fmt::print("{}\n", fmt::join(cells, ","));
  for (const std::string& text : cells) fmt::print("{:>10}", text);
  fmt::print("\n");
  std::fflush(stdout);
}

int run(const Arguments& arguments) {
  const bool made_up = arguments.model.empty();
  const ScoreTable recorded = made_up ? ScoreTable{} : recorded_population(arguments);
  print_row(arguments, {"seed", "samples", "exits", "scores", "drop", "C", "gap", "seconds", "C rival", "lost %",
                        "new C", "new acc", "rival C", "rival acc", "ahead %", "+- %"});
  for (int seed = 1; seed <= arguments.seeds; ++seed) {
    const ScoreTable population = made_up ? made_up_population(arguments, static_cast<uint64_t>(seed)) : recorded;
    std::vector<size_t> order(static_cast<size_t>(population.samples));
    std::iota(order.begin(), order.end(), size_t{0});
    Rng rng(static_cast<uint64_t>(seed));
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    const auto take = std::min(order.size() / 2, static_cast<size_t>(arguments.samples));
    const ScoreTable table = pick(population, std::span(order).first(take));
    const ScoreTable fresh = pick(population, std::span(order).subspan(take));
    const double last =
        outcome(fresh, std::vector<double>(fresh.scores.size() - 1, std::numeric_limits<double>::infinity())).quality;
    size_t distinct = 0;
    for (size_t k = 0; k + 1 < table.scores.size(); ++k) {
      std::vector<float> scores = table.scores[k];
      std::ranges::sort(scores);
      distinct += static_cast<size_t>(std::ranges::unique(scores).begin() - scores.begin());
    }
    for (const double drop : arguments.drops) {
      const Stopwatch watch;
      const ThresholdChoice choice = choose_by_accuracy_drop(table, drop, {.most_steps = arguments.steps});
      const double seconds = watch.seconds();
      const std::vector<double> rival = budget_thresholds(table, choice.expected.cost);
      const Rival rivals = compare(fresh, choice.thresholds, rival);
      print_row(arguments, {fmt::format("{}", seed), fmt::format("{}", table.samples), fmt::format("{}", table.exits),
                            fmt::format("{}", distinct), fmt::format("{}", drop),
                            fmt::format("{:.4f}", choice.expected.cost), fmt::format("{:.5f}", choice.optimality_gap),
                            fmt::format("{:.2f}", seconds), fmt::format("{:.4f}", outcome(table, rival).cost),
                            fmt::format("{:.2f}", 100 * (last - rivals.ours.quality)),
                            fmt::format("{:.4f}", rivals.ours.cost), fmt::format("{:.4f}", rivals.ours.quality),
                            fmt::format("{:.4f}", rivals.theirs.cost), fmt::format("{:.4f}", rivals.theirs.quality),
                            fmt::format("{:.3f}", 100 * rivals.difference), fmt::format("{:.3f}", 100 * rivals.error)});
    }
  }
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("whether the accuracy tuner's choice is proven best, and holds on fresh samples", "tuning");
  sooner::Arguments arguments;
  app.add_option("model", arguments.model, "whose tables follow; without it samples are made up");
  app.add_option("tables", arguments.tables, "logit tables, taken together as the population");
  app.add_option("--policy", arguments.policy)->capture_default_str();
  app.add_option("--samples", arguments.samples, "to tune on")->check(CLI::Range(2, 10'000'000));
  app.add_option("--exits", arguments.exits, "of made-up tables")->check(CLI::Range(2, 64));
  app.add_flag("--independent", arguments.independent, "made-up exits know nothing of each other: the hardest case");
  app.add_option("--keep", arguments.keep, "early exits of the model to keep; default: all")->delimiter(',');
  app.add_option("--seeds", arguments.seeds, "1 to this")->check(CLI::Range(1, 10'000));
  app.add_option("--drops", arguments.drops, "accuracy that may be lost, 0 to 1")->delimiter(',');
  app.add_option("--steps", arguments.steps, "of the proof, at most");
  app.add_flag("--csv", arguments.csv);
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("tuning", [&] { return sooner::run(arguments); });
}
