// Do promises about risk hold, and what do they cost? Takes the samples of a split (or glyphs drawn for this, or
// made-up logits) as the whole population, draws `tune` and `guarantee` from it many times, and compares the risk of
// the chosen thresholds on the population with what was promised, and what they save with the cheapest thresholds that
// infinite data would allow.
//
//   risk_population [MODEL] [--samples 1000,5000] [--draws 1000] [--level .02] [--delta .05] [--loss differs]
//                   [--policy max-prob] [--split test | --fresh 1000000] [--data-dir DIR]
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "bench/program.h"
#include "data/glyphs.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "tools/command.h"
#include "tools/data_flags.h"
#include "tools/engine_flags.h"
#include "tools/table.h"
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

struct Promise {
  std::string name;
  RiskTerms options;
  int violations = 0;
  double mean_risk = 0;
  double mean_saved = 0;
};

void run(const PopulationArguments& arguments) {
  const ScoreTable scores = population_scores(arguments);
  const ScoredSamples population{scores, exit_losses(scores, risk_loss_from_string(arguments.loss))};
  const double ideal = ideal_saving(population, arguments.level);
  Table table({"promise", "samples", "draws", "violations", "mean risk", "mean saved", "saved by infinite data",
               "share of that"});
  for (const int64_t samples : arguments.samples) {
    std::vector<Promise> promises{{"in expectation", {.level = arguments.level}}};
    for (const RiskBound bound : {RiskBound::kBinomial, RiskBound::kHoeffdingBentkus, RiskBound::kBetting}) {
      promises.push_back(
          {std::string(to_string(bound)), {.level = arguments.level, .delta = arguments.delta, .bound = bound}});
    }
    for (int draw = 0; draw < arguments.draws; ++draw) {
      Rng rng({arguments.seed, static_cast<uint64_t>(samples), static_cast<uint64_t>(draw)});
      const ScoredSamples tune = resample(population, samples, rng);
      const ScoredSamples guarantee = resample(population, samples, rng);
      for (Promise& promise : promises) {
        const ThresholdFamily family =
            threshold_family(tune.table, tune.losses, largest_passing_risk(promise.options, samples));
        const RiskChoice choice = control_risk(family, guarantee.table, guarantee.losses, promise.options);
        const double risk = mean_loss(population, choice.thresholds);
        if (risk > arguments.level) ++promise.violations;
        promise.mean_risk += risk / arguments.draws;
        promise.mean_saved += saved(population.table, choice.thresholds) / arguments.draws;
      }
    }
    for (const Promise& promise : promises) {
      table.add({cell(promise.name), count(samples), count(arguments.draws),
                 percent(static_cast<double>(promise.violations) / arguments.draws, 1), percent(promise.mean_risk, 3),
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
    sooner::run(arguments);
    return 0;
  });
}
