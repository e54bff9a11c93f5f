// `sooner compare`: trains configurations with several seeds, or takes the runs that are there, and holds them side by
// side: accuracy within shares of the plain backbone's cost, whole curves, measured time, one table and one page.
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
#include <optional>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "command.h"
#include "comparison_page.h"
#include "core/file.h"
#include "measure/class_outcomes.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "report/training_series.h"
#include "run/epoch_record.h"
#include "run/run_folder.h"
#include "trainer_program.h"

namespace sooner {
namespace {

struct CompareArguments {
  std::vector<std::string> entries;
  std::string out = "runs/compare";
  std::vector<int64_t> seeds{1};
  std::vector<std::string> sets;
  ComparisonTerms terms;
  int64_t timed = 0;
  int repeats = 10;
  int32_t jobs = 1;
  int32_t threads = -1;
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// A configuration becomes one run for each seed, under the output folder; anything else is a run or model to take.
std::vector<Contender> contenders_of(const CompareArguments& arguments) {
  std::vector<Contender> contenders;
  for (const std::string& entry : arguments.entries) {
    std::filesystem::path path = std::filesystem::path(entry).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "runs/a/"
    Contender contender;
    if (path.extension() == ".toml") {
      contender.name = path.stem().string();
      for (const int64_t seed : arguments.seeds) {
        contender.folders.push_back(std::filesystem::path(arguments.out) / fmt::format("{}-{}", contender.name, seed));
      }
    } else {
      const bool in_run = path.filename() == "model.safetensors" && path.has_parent_path();
      contender.name = in_run                               ? path.parent_path().filename().string()
                       : path.extension() == ".safetensors" ? path.stem().string()
                                                            : path.filename().string();
      contender.folders.push_back(path);
    }
    for (const Contender& other : contenders) {
      if (other.name != contender.name) continue;
      fail(Code::kInvalidArgument, "[compare] got '{}' twice, expected different names; rename one", contender.name);
    }
    contenders.push_back(std::move(contender));
  }
  return contenders;
}

// What would fail after hours of training fails before.
void check(const CompareArguments& arguments) {
  std::vector<int64_t> seeds = arguments.seeds;
  std::ranges::sort(seeds);
  if (std::ranges::adjacent_find(seeds) != seeds.end()) {
    fail(Code::kInvalidArgument, "[compare] got a seed twice in --seeds, expected different ones");
  }
  for (const std::string& policy : arguments.terms.policies) {
    if (!has_thresholds(policy)) {
      fail(Code::kInvalidArgument, "[compare] policy '{}' has no thresholds to choose for a budget", policy);
    }
  }
  for (const double budget : arguments.terms.budgets) {
    if (!(budget > 0)) fail(Code::kInvalidArgument, "[compare] got budget {}, expected more than 0 percent", budget);
  }
  static_cast<void>(Splits().by_name(arguments.terms.split));
  static_cast<void>(make_backend(model_options(arguments.engine).backend));
}

void train_missing(const std::vector<Contender>& contenders, const CompareArguments& arguments) {
  std::vector<std::vector<std::string>> calls, checks;
  std::vector<std::string> folders;
  for (size_t i = 0; i < contenders.size(); ++i) {
    if (std::filesystem::path(arguments.entries[i]).extension() != ".toml") continue;
    for (size_t s = 0; s < arguments.seeds.size(); ++s) {
      folders.push_back(contenders[i].folders[s].string());
      std::vector<std::string> words{arguments.entries[i]};
      for (const std::string& set : arguments.sets) words.insert(words.end(), {"--set", set});
      words.insert(words.end(), {"--set", fmt::format("train.seed={}", arguments.seeds[s])});
      if (!arguments.data.data_dir.empty()) words.insert(words.end(), {"--data-dir", arguments.data.data_dir});
      words.insert(words.end(), {"--out", folders.back(), "--reuse"});
      if (s == 0) {
        checks.push_back(words);
        checks.back().emplace_back("--check");
      }
      if (arguments.threads >= 0) words.insert(words.end(), {"--threads", std::to_string(arguments.threads)});
      if (arguments.jobs > 1) words.emplace_back("--quiet");
      calls.push_back(std::move(words));
    }
  }
  if (calls.empty()) return;
  // A mistake in the last configuration is not to be found after the others have been trained.
  const std::vector<int> fit = run_trainers(checks, arguments.jobs);
  for (size_t i = 0; i < fit.size(); ++i) {
    if (fit[i] == 0) continue;
    fail(fit[i] == 2 ? Code::kInvalidArgument : Code::kFailedPrecondition,
         "[compare] '{}' cannot be trained; what the trainer said is above, nothing was trained", checks[i][0]);
  }
  const std::vector<int> codes = run_trainers(calls, arguments.jobs);
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == 0) continue;
    fail(codes[i] == 2 ? Code::kInvalidArgument : Code::kFailedPrecondition,
         "[compare] training '{}' ended with code {}; what it said is above; the same command goes on from here",
         folders[i], codes[i]);
  }
}

bool same_samples(const ModelData& a, const ModelData& b, const std::string& split) {
  return a.data.hash == b.data.hash && a.splits.tune.hash == b.splits.tune.hash &&
         a.splits.by_name(split).hash == b.splits.by_name(split).hash;
}

// Evaluates every run; contenders of the same samples come together, in the order given.
std::vector<Field> evaluate(std::vector<Contender> contenders, const CompareArguments& arguments) {
  std::vector<double> budgets;
  for (const double percents : arguments.terms.budgets) budgets.push_back(percents / 100);
  const ModelOptions options = model_options(arguments.engine);
  std::vector<Field> fields;
  for (Contender& contender : contenders) {
    std::optional<size_t> place;
    for (const std::filesystem::path& folder : contender.folders) {
      ComparedRun compared{.folder = folder,
                           .file = load_model(model_path(folder)),
                           .seconds = training_seconds(read_epochs(folder / "metrics.jsonl"))};
      const Manifest& manifest = compared.file.manifest;
      require_classes(manifest.quantity, "compare", fmt::format("the table with '{}'", folder.string()));
      ModelData own = open_model_data(manifest, arguments.data);
      const auto found = std::ranges::find_if(
          fields, [&](const Field& other) { return same_samples(other.data, own, arguments.terms.split); });
      const auto here = static_cast<size_t>(found - fields.begin());
      if (place && *place != here) {
        fail(Code::kInvalidArgument, "[compare] '{}' was trained on other data or splits than '{}'; name another --out",
             folder.string(), contender.folders[0].string());
      }
      place = here;
      if (here == fields.size()) fields.push_back({std::move(own), {}});
      const ModelData& data = fields[here].data;
      const auto model = Model::from_file(compared.file, options);
      const LogitTable reported =
          logit_table(model, load_all(manifest, data, data.splits.by_name(arguments.terms.split)));
      compared.result = compare_within_budgets(logit_table(model, load_all(manifest, data, data.splits.tune)), reported,
                                               arguments.terms.policies, budgets);
      if (const BudgetPoint* drawn = drawn_point(compared.result, arguments.terms)) {
        const auto plain_macs = static_cast<double>(model->cost().backbone_macs);
        compared.classes = class_outcomes(manifest, evaluate(reported, drawn->policy, plain_macs), reported);
      }
      contender.runs.push_back(std::move(compared));
    }
    fields[*place].contenders.push_back(std::move(contender));
  }
  return fields;
}

// "comparison.html"; of several fields "comparison-cifar10.html", numbered where two have the same data set.
std::string page_name(const std::vector<Field>& fields, size_t at) {
  if (fields.size() == 1) return "comparison.html";
  std::string name = fields[at].data.data.name;
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '-';
  const auto before = std::count_if(fields.begin(), fields.begin() + static_cast<ptrdiff_t>(at),
                                    [&](const Field& f) { return f.data.data.name == fields[at].data.data.name; });
  return fmt::format("comparison-{}{}.html", name, before == 0 ? "" : fmt::format("-{}", before + 1));
}

// Each contender's first run at each budget, all taking turns.
void time_field(Field& field, const CompareArguments& arguments) {
  const ModelOptions options = model_options(arguments.engine);
  std::vector<Contestant> contestants;
  std::vector<ComparedRun*> owners;
  for (Contender& contender : field.contenders) {
    ComparedRun& run = contender.runs[0];
    const auto model = Model::from_file(run.file, options);
    const PolicyContext context = policy_context(model->manifest());
    for (const auto& point : run.result.budgets) {
      if (!point) continue;
      contestants.push_back({contender.name, model, make_policy(point->policy, context)});
      owners.push_back(&run);
    }
  }
  const Preprocessing& first = field.contenders[0].runs[0].file.manifest.preprocessing;
  for (const Contender& contender : field.contenders) {
    const Preprocessing& other = contender.runs[0].file.manifest.preprocessing;
    if (other.mean == first.mean && other.std == first.std) continue;
    fail(Code::kInvalidArgument, "[compare] '{}' and '{}' read images by other means and deviations; time them apart",
         field.contenders[0].name, contender.name);
  }
  const Batch samples = load_all(field.contenders[0].runs[0].file.manifest, field.data,
                                 field.data.splits.by_name(arguments.terms.split), arguments.timed);
  say(fmt::format("timing {} samples of {}, batch 1, one thread, {} interleaved passes", samples.n,
                  field.data.data.name, arguments.repeats));
  const std::vector<Timing> timings = benchmark(contestants, samples, 1, arguments.repeats);
  for (size_t i = 0; i < timings.size(); ++i) owners[i]->timings.push_back(timings[i]);
}

void print(const ReportTable& shown) {
  Table table(shown.columns);
  for (const std::vector<std::string>& row : shown.rows) {
    std::vector<Cell> cells;
    for (const std::string& text : row) cells.push_back(cell(text));
    table.add(std::move(cells));
  }
  table.print(OutputForm::kText);
  for (const std::string& note : shown.notes) fmt::print("{}\n", note);
}

void run(const CompareArguments& arguments) {
  std::vector<Contender> contenders = contenders_of(arguments);
  check(arguments);
  make_folder(arguments.out);
  train_missing(contenders, arguments);
  std::vector<Field> fields = evaluate(std::move(contenders), arguments);
  const std::filesystem::path folder(arguments.out);
  std::vector<std::string> pages;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (arguments.timed > 0) time_field(fields[i], arguments);
    pages.push_back((folder / page_name(fields, i)).string());
    write_comparison_page(fields[i], arguments.terms, pages.back());
    if (arguments.form != OutputForm::kText) continue;
    if (i > 0) fmt::print("\n");
    print(summary_table(fields[i], arguments.terms));
    if (arguments.timed > 0) print(timing_table(fields[i]));
  }
  const Table everything = point_table(fields);
  write_file_atomically(folder / "comparison.csv", everything.render(OutputForm::kCsv));
  if (arguments.form != OutputForm::kText) everything.print(arguments.form);
  say(fmt::format("every point: {}; {}: {}", (folder / "comparison.csv").string(), pages.size() == 1 ? "page" : "pages",
                  fmt::join(pages, ", ")));
}

}  // namespace

void add_compare(CLI::App& app) {
  const auto arguments = std::make_shared<CompareArguments>();
  app.add_option("entries", arguments->entries, "configurations (.toml), run folders or model files")->required();
  app.add_option("--out", arguments->out,
                 "folder of the runs (NAME-SEED), and of comparison.csv and comparison.html; runs of the same "
                 "configuration that are there are taken, unfinished ones continued")
      ->capture_default_str();
  app.add_option("--seeds", arguments->seeds, "of every configuration")->delimiter(',')->capture_default_str();
  app.add_option("--set", arguments->sets, "change one option of every configuration: section.key=value")
      ->allow_extra_args(false);
  app.add_option("--budgets", arguments->terms.budgets, "percent of the plain backbone's MACs")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--policies", arguments->terms.policies, "whose thresholds may be chosen for a budget")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--split", arguments->terms.split, "that is reported on")->capture_default_str();
  CLI::Option* timed =
      app.add_option("--timed", arguments->timed,
                     "measure the time per image, too, on so many samples, one at a time on one thread; 0: do not")
          ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
          ->capture_default_str();
  app.add_option("--repeats", arguments->repeats, "timed passes")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->needs(timed);
  app.add_option("--jobs", arguments->jobs, "trainings at a time")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--threads", arguments->threads, "of one training; 0: every processor")->check(CLI::Range(0, 1024));
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
