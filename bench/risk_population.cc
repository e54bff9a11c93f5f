// Do promises about risk hold, and what do they cost? Takes the samples of a split (or glyphs drawn for this, or
// made-up logits) as the whole population, draws `tune` and `guarantee` from it many times, and compares the risk of
// the chosen thresholds on the population with what was promised, and what they save with the cheapest thresholds that
// infinite data would allow.
//
// Of natural images there is no population. With three tables of a model, `tune` stays as it is, samples of `guarantee`
// are drawn (each at most once a draw), promises are made on them and their risk is counted on the whole of `test`.
// Beside it, as a control, `guarantee` and `test` are pooled and parted anew for every draw: there the samples are
// exchangeable for certain, and what differs is what the two splits are not.
//
//   risk_population [MODEL] [--samples 1000,5000] [--draws 1000] [--level .02] [--delta .05] [--loss differs]
//                   [--policy max-prob] [--split test | --fresh 1000000] [--data-dir DIR]
//   risk_population MODEL --tables TUNE,GUARANTEE,TEST [--samples 1000,2000] [--draws 200] …
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "bench/program.h"
#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/table.h"
#include "data/glyphs.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/risk/risk_control.h"
#include "tune/tables/random_table.h"
#include "tune/tables/resample.h"

namespace sooner {
namespace {

struct PopulationArguments {
  std::string model;
  std::string policy = "max-prob";
  std::string split = "test";
  std::string loss = "differs";
  std::vector<int64_t> samples{1000, 5000};
  int draws = 1000;
  double level = 0.02;
  double delta = 0.05;
  int64_t made_up = 100'000;
  int64_t fresh = 0;
  uint64_t seed = 1;
  std::vector<std::string> tables;  // of tune, guarantee and test, by `sooner eval --save-table`
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// Glyphs of a stream that neither training nor test ever draw from.
constexpr uint64_t kFreshStream = 2;

ScoreTable fresh_glyphs(const PopulationArguments& arguments, const Manifest& manifest,
                        const std::shared_ptr<const Model>& model) {
  if (manifest.provenance.data_set != "glyphs") {
    fail(Code::kInvalidArgument, "[risk_population] got a model trained on {}, expected one for glyphs with --fresh",
         manifest.provenance.data_set);
  }
  const auto source = std::make_shared<const GlyphSource>(arguments.seed, kFreshStream, arguments.fresh);
  std::vector<int64_t> indices(static_cast<size_t>(arguments.fresh));
  std::iota(indices.begin(), indices.end(), 0);
  BatchLoader loader(source, glyph_shape(), indices, loader_options(manifest, 10'000));
  loader.start_epoch(0);
  ScoreTable table;
  while (const Batch* batch = loader.next()) {
    append(table, score_table(logit_table(model, *batch), {.name = arguments.policy}));
  }
  return table;
}

ScoreTable population_scores(const PopulationArguments& arguments) {
  const PolicySpec policy{.name = arguments.policy};
  if (arguments.model.empty()) {
    return score_table(random_logit_table(arguments.seed, arguments.made_up, 3, 10), policy);
  }
  const ModelFile file = load_model(arguments.model);
  const auto model = Model::from_file(file, model_options(arguments.engine));
  if (arguments.fresh > 0) return fresh_glyphs(arguments, file.manifest, model);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  return score_table(logit_table(model, load_all(file.manifest, data, data.splits.by_name(arguments.split))), policy);
}

double saved(const ScoreTable& table, const std::vector<double>& thresholds) {
  return 1 - outcome(table, thresholds).cost / table.exit_cost.back();
}

// Of the cheapest thresholds whose risk on the population is within the level.
double ideal_saving(const ScoredSamples& population, double level) {
  ScoreTable harmless = population.table;
  for (size_t k = 0; k < harmless.quality.size(); ++k) {
    for (size_t n = 0; n < harmless.quality[k].size(); ++n) {
      harmless.quality[k][n] = population.losses[k][n] < 0.5 ? 1.0F : 0.0F;
    }
  }
  return saved(harmless, choose_by_accuracy_drop(harmless, level).thresholds);
}

// Of one way to promise, over all draws.
struct Promise {
  std::string name;
  RiskTerms options;
  int violations = 0;
  std::vector<double> risks = {};
  double mean_saved = 0;

  // Of thresholds whose risk was counted so.
  void count(double risk, double saving, int draws) {
    if (risk > options.level) ++violations;
    risks.push_back(risk);
    mean_saved += saving / draws;
  }
  [[nodiscard]] double mean_risk() const {
    return std::accumulate(risks.begin(), risks.end(), 0.0) / static_cast<double>(risks.size());
  }
};

std::vector<Promise> promises_of(const PopulationArguments& arguments) {
  std::vector<Promise> promises{{"in expectation", {.level = arguments.level}}};
  for (const RiskBound bound : {RiskBound::kBinomial, RiskBound::kHoeffdingBentkus, RiskBound::kBetting}) {
    promises.push_back(
        {std::string(to_string(bound)), {.level = arguments.level, .delta = arguments.delta, .bound = bound}});
  }
  return promises;
}

ScoredSamples scored(const StoredTable& stored, std::string_view split, const PopulationArguments& arguments) {
  if (stored.origin.split != split) {
    fail(Code::kInvalidArgument, "[risk_population] got a table of the split '{}', expected tune, guarantee, test",
         stored.origin.split);
  }
  ScoredSamples samples{.table = score_table(stored.table, {.name = arguments.policy})};
  samples.losses = exit_losses(samples.table, risk_loss_from_string(arguments.loss));
  return samples;
}

ScoredSamples pooled(ScoredSamples samples, const ScoredSamples& more) {
  append(samples.table, more.table);
  for (size_t k = 0; k < samples.losses.size(); ++k) {
    samples.losses[k].insert(samples.losses[k].end(), more.losses[k].begin(), more.losses[k].end());
  }
  return samples;
}

// `guarantee` against `test` as they are, and parted anew.
void run_tables(const PopulationArguments& arguments) {
  if (arguments.tables.size() != 3 || arguments.model.empty()) {
    fail(Code::kInvalidArgument, "[risk_population] got {} tables, expected a model and its three: tune,guarantee,test",
         arguments.tables.size());
  }
  const ModelFile file = load_model(arguments.model);
  const ScoredSamples tune = scored(load_table(arguments.tables[0], file), "tune", arguments);
  const ScoredSamples guarantee = scored(load_table(arguments.tables[1], file), "guarantee", arguments);
  const ScoredSamples test = scored(load_table(arguments.tables[2], file), "test", arguments);
  const ScoredSamples pool = pooled(guarantee, test);
  const auto first = static_cast<size_t>(guarantee.table.samples);
  Table table(
      {"promise", "samples", "risk counted on", "draws", "violations", "mean risk", "least", "largest", "mean saved"});
  for (const int64_t samples : arguments.samples) {
    if (samples < 1 || samples > guarantee.table.samples) {
      fail(Code::kInvalidArgument, "[risk_population] got {} samples, expected 1 to the {} of guarantee", samples,
           guarantee.table.samples);
    }
    // The families are made on tune, which stays: the same for every draw.
    std::vector<ThresholdFamily> families;
    for (const Promise& promise : promises_of(arguments)) {
      families.push_back(threshold_family(tune.table, tune.losses, largest_passing_risk(promise.options, samples)));
    }
    for (const bool control : {false, true}) {
      std::vector<Promise> promises = promises_of(arguments);
      for (int draw = 0; draw < arguments.draws; ++draw) {
        Rng rng({arguments.seed, static_cast<uint64_t>(samples), static_cast<uint64_t>(draw)});
        std::vector<size_t> order(static_cast<size_t>((control ? pool : guarantee).table.samples));
        std::iota(order.begin(), order.end(), size_t{0});
        shuffle(std::span(order), rng);
        const std::vector<size_t> drawn(order.begin(), order.begin() + samples);
        const ScoredSamples promised_on = of_samples(control ? pool : guarantee, drawn);
        // As many as `test` has, of those that were not drawn.
        const ScoredSamples counted_on =
            control ? of_samples(pool, {order.begin() + static_cast<std::ptrdiff_t>(first), order.end()}) : test;
        for (size_t i = 0; i < promises.size(); ++i) {
          const RiskChoice choice =
              control_risk(families[i], promised_on.table, promised_on.losses, promises[i].options);
          promises[i].count(mean_loss(counted_on, choice.thresholds), saved(counted_on.table, choice.thresholds),
                            arguments.draws);
        }
      }
      for (const Promise& promise : promises) {
        table.add({cell(promise.name), count(samples), cell(control ? "both pooled, parted anew" : "test"),
                   count(arguments.draws), percent(static_cast<double>(promise.violations) / arguments.draws, 1),
                   percent(promise.mean_risk(), 3), percent(std::ranges::min(promise.risks), 2),
                   percent(std::ranges::max(promise.risks), 2), percent(promise.mean_saved, 1)});
      }
    }
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print("{} samples of tune, {} of guarantee, {} of test; loss {}, level {} %, delta {} %\n", tune.table.samples,
               guarantee.table.samples, test.table.samples, arguments.loss, 100 * arguments.level,
               100 * arguments.delta);
  }
  table.print(arguments.form);
}

void run(const PopulationArguments& arguments) {
  const ScoreTable scores = population_scores(arguments);
  const ScoredSamples population{scores, exit_losses(scores, risk_loss_from_string(arguments.loss))};
  const double ideal = ideal_saving(population, arguments.level);
  Table table({"promise", "samples", "draws", "violations", "mean risk", "mean saved", "saved by infinite data",
               "share of that"});
  for (const int64_t samples : arguments.samples) {
    std::vector<Promise> promises = promises_of(arguments);
    for (int draw = 0; draw < arguments.draws; ++draw) {
      Rng rng({arguments.seed, static_cast<uint64_t>(samples), static_cast<uint64_t>(draw)});
      const ScoredSamples tune = resample(population, samples, rng);
      const ScoredSamples guarantee = resample(population, samples, rng);
      for (Promise& promise : promises) {
        const ThresholdFamily family =
            threshold_family(tune.table, tune.losses, largest_passing_risk(promise.options, samples));
        const RiskChoice choice = control_risk(family, guarantee.table, guarantee.losses, promise.options);
        promise.count(mean_loss(population, choice.thresholds), saved(population.table, choice.thresholds),
                      arguments.draws);
      }
    }
    for (const Promise& promise : promises) {
      table.add({cell(promise.name), count(samples), count(arguments.draws),
                 percent(static_cast<double>(promise.violations) / arguments.draws, 1), percent(promise.mean_risk(), 3),
                 percent(promise.mean_saved, 1), percent(ideal, 1), percent(promise.mean_saved / ideal, 1)});
    }
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print("population of {} samples, loss {}, level {} %, delta {} %\n", scores.samples, arguments.loss,
               100 * arguments.level, 100 * arguments.delta);
  }
  table.print(arguments.form);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("whether promises about risk hold on a population, and what they cost", "risk_population");
  sooner::PopulationArguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model; without it samples are made up");
  app.add_option("--policy", arguments.policy, "whose thresholds are chosen")->capture_default_str();
  app.add_option("--split", arguments.split, "that is the population")->capture_default_str();
  app.add_option("--loss", arguments.loss, "differs | accuracy-gap")->capture_default_str();
  app.add_option("--fresh", arguments.fresh, "draw so many glyphs as the population, in place of a split");
  app.add_option("--samples", arguments.samples, "of tune, and as many of guarantee")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--tables", arguments.tables,
                 "of the model's tune, guarantee and test: promises on samples of guarantee, counted on test")
      ->delimiter(',');
  app.add_option("--draws", arguments.draws, "calibrations to simulate")->check(CLI::Range(1, 1'000'000));
  app.add_option("--level", arguments.level, "largest risk")->capture_default_str();
  app.add_option("--delta", arguments.delta, "how often a promise with probability may fail")->capture_default_str();
  app.add_option("--made-up", arguments.made_up, "samples of the made-up population")->capture_default_str();
  app.add_option("--seed", arguments.seed, "of the draws")->capture_default_str();
  sooner::add_engine_options(app, &arguments.engine);
  sooner::add_data_options(app, &arguments.data);
  sooner::add_output_options(app, &arguments.form);
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("risk_population", [&] {
    arguments.tables.empty() ? sooner::run(arguments) : sooner::run_tables(arguments);
    return 0;
  });
}
