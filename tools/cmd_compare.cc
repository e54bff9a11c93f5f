// `sooner compare`: trains configurations with several seeds, or takes the runs that are there, and holds them side by
// side: accuracy within shares of the plain backbone's cost, whole curves, one table and one page.
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>

#include "class_rows.h"
#include "command.h"
#include "core/cpu.h"
#include "core/file.h"
#include "core/text.h"
#include "engine_flags.h"
#include "eval/comparison.h"
#include "eval/interval.h"
#include "graph/cost.h"
#include "measure.h"
#include "model_data.h"
#include "network_drawing.h"
#include "policy_flags.h"
#include "report/html_report.h"
#include "run_folder_data.h"
#include "shares_text.h"
#include "table.h"
#include "trainer_program.h"

namespace sooner {
namespace {

struct CompareArguments {
  std::vector<std::string> entries;
  std::string out = "runs/compare";
  std::vector<int64_t> seeds{1};
  std::vector<std::string> sets;
  std::vector<double> budgets{25, 50, 75, 100};
  std::vector<std::string> policies{"max-prob", "gate"};
  std::string split = "test";
  int32_t jobs = 1;
  int32_t threads = -1;
  EngineFlags engine;
  DataFlags data;
  OutputForm form = OutputForm::kText;
};

struct ComparedRun {
  std::filesystem::path folder;
  ModelFile file;
  NetworkResult result = {};
  std::vector<ReportClass> classes = {};  // at the point drawn
  double seconds = 0;                     // of training; NaN where the run does not say
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
  for (const std::string& policy : arguments.policies) {
    if (!has_thresholds(policy)) {
      fail(Code::kInvalidArgument, "[compare] policy '{}' has no thresholds to choose for a budget", policy);
    }
  }
  for (const double budget : arguments.budgets) {
    if (!(budget > 0)) fail(Code::kInvalidArgument, "[compare] got budget {}, expected more than 0 percent", budget);
  }
  static_cast<void>(Splits().by_name(arguments.split));
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
      if (s == 0) {
        checks.push_back(words);
        checks.back().emplace_back("--check");
      }
      words.insert(words.end(), {"--out", folders.back(), "--reuse"});
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

// Of the epochs in metrics.jsonl.
double training_seconds(const std::filesystem::path& folder) {
  std::ifstream lines(folder / "metrics.jsonl");
  double seconds = lines ? 0 : kUnknown;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("seconds") && json["seconds"].is_number()) {
      seconds += json["seconds"].get<double>();
    }
  }
  return seconds;
}

std::vector<double> collect(const Contender& contender, auto value_of) {
  std::vector<double> values;
  for (const ComparedRun& run : contender.runs) {
    const std::optional<double> value = value_of(run);
    if (value) values.push_back(*value);
  }
  return values;
}

// "91.23 ± 0.15 %"; a dash where a run has none.
std::string percent_interval(const std::vector<double>& values, size_t runs) {
  if (values.size() < runs || values.empty()) return "-";
  const MeanInterval interval = mean_interval(values);
  if (std::isnan(interval.half_width)) return fmt::format("{:.2f} %", 100 * interval.mean);
  return fmt::format("{:.2f} ± {:.2f} %", 100 * interval.mean, 100 * interval.half_width);
}

std::string mean_text(const std::vector<double>& values, size_t runs, int digits) {
  return values.size() < runs || values.empty() ? "-" : fmt::format("{:.{}f}", mean_interval(values).mean, digits);
}

std::vector<std::string> summary_columns(const CompareArguments& arguments) {
  std::vector<std::string> columns{"network", "regime", "runs", "plain MACs"};
  for (const double budget : arguments.budgets) columns.push_back(fmt::format("<= {:.4g} %", budget));
  columns.insert(columns.end(),
                 {"last exit", "gates untouched", "at", "against max-prob there", "minutes of training"});
  return columns;
}

std::vector<std::string> summary_row(const Contender& contender, const CompareArguments& arguments) {
  const size_t runs = contender.runs.size();
  const Manifest& manifest = contender.runs[0].file.manifest;
  std::vector<std::string> row{contender.name, manifest.provenance.regime, std::to_string(runs),
                               human_count(static_cast<double>(compute_cost(manifest.graph).backbone_macs))};
  for (size_t b = 0; b < arguments.budgets.size(); ++b) {
    const auto at_budget = [&](auto member) {
      return collect(contender, [&](const ComparedRun& run) -> std::optional<double> {
        const auto& point = run.result.budgets[b];
        return point ? std::optional((*point).*member) : std::nullopt;
      });
    };
    const std::string cost = mean_text(at_budget(&BudgetPoint::cost), runs, 3);
    row.push_back(percent_interval(at_budget(&BudgetPoint::accuracy), runs) + (cost == "-" ? "" : " at " + cost));
  }
  row.push_back(percent_interval(
      collect(contender, [](const ComparedRun& run) { return std::optional(run.result.exit_accuracy.back()); }), runs));
  const auto gates = [&](auto value_of) {
    return collect(contender, [&](const ComparedRun& run) -> std::optional<double> {
      return run.result.gates ? value_of(run.result) : std::nullopt;
    });
  };
  using Maybe = std::optional<double>;
  row.push_back(percent_interval(gates([](const NetworkResult& r) -> Maybe { return r.gates->point.accuracy; }), runs));
  row.push_back(mean_text(gates([](const NetworkResult& r) -> Maybe { return r.gates->point.cost; }), runs, 3));
  const auto lead = gates([](const NetworkResult& r) -> Maybe {
    return r.gates->rival ? Maybe(100 * (r.gates->point.accuracy - *r.gates->rival)) : std::nullopt;
  });
  row.push_back(lead.size() < runs || lead.empty() ? "-" : fmt::format("{:+.2f} points", mean_interval(lead).mean));
  row.push_back(mean_text(collect(contender,
                                  [](const ComparedRun& run) -> Maybe {
                                    return std::isnan(run.seconds) ? std::nullopt : Maybe(run.seconds / 60);
                                  }),
                          runs, 1));
  return row;
}

// Every number for programs: one row a run and operating point.
void add_long_rows(const Field& field, Table& table) {
  for (const Contender& contender : field.contenders) {
    for (const ComparedRun& run : contender.runs) {
      const Provenance& origin = run.file.manifest.provenance;
      const auto add = [&](const std::string& rule, const std::string& policy, double accuracy, double cost,
                           const std::vector<double>& shares) {
        table.add({cell(field.data.data.name), cell(contender.name), cell(origin.regime), cell(run.folder.string()),
                   count(static_cast<int64_t>(origin.seed)), cell(rule), cell(policy), percent(accuracy),
                   number(cost, 4), cell(shares.empty() ? "-" : shares_text(shares))});
      };
      for (const auto& point : run.result.budgets) {
        if (point) {
          add(fmt::format("budget {:.4g}", point->budget), point->policy.name, point->accuracy, point->cost,
              point->shares);
        }
      }
      const auto add_gates = [&](const std::string& rule, const GateResult& gates) {
        add(rule, "gate", gates.point.accuracy, gates.point.cost, gates.point.shares);
        if (gates.rival) add(rule + ", at that cost", "max-prob", *gates.rival, gates.point.cost, {});
      };
      if (run.result.gates) add_gates("untouched", *run.result.gates);
      for (const GateResult& gates : run.result.gates_by_weight) {
        add_gates(fmt::format("untouched, cost weight {:.3g}", *gates.point.policy.cost_weight), gates);
      }
      for (size_t k = 0; k < run.result.exit_accuracy.size(); ++k) {
        add(fmt::format("exit {} alone", k), "-", run.result.exit_accuracy[k], run.result.exit_cost[k], {});
      }
      for (const CurvePoint& point : run.result.curve) {
        add("curve: " + point.label, point.spec.name, point.quality, point.cost, point.shares);
      }
    }
  }
}

// Shares and classes are shown at the middle budget that the network can meet; null: it meets none.
const BudgetPoint* drawn_point(const NetworkResult& result, const CompareArguments& arguments) {
  const BudgetPoint* drawn = nullptr;
  for (size_t b = 0; b < arguments.budgets.size(); ++b) {
    if (result.budgets[b] && (drawn == nullptr || arguments.budgets[b] <= 75)) drawn = &*result.budgets[b];
  }
  return drawn;
}

ReportModel report_model(const Contender& contender, const CompareArguments& arguments) {
  const ComparedRun& run = contender.runs[0];
  const Manifest& manifest = run.file.manifest;
  const GraphCost cost = compute_cost(manifest.graph);
  ReportModel model;
  model.name = contender.name;
  model.description = fmt::format("{} with {} exits, trained {} for {} epochs; drawn: seed {}.", manifest.graph.name,
                                  manifest.graph.exits(), manifest.provenance.regime, manifest.provenance.epochs,
                                  manifest.provenance.seed);
  model.plain_macs = static_cast<double>(cost.backbone_macs);
  model.parameters = static_cast<double>(cost.parameters);
  const BudgetPoint* drawn = drawn_point(run.result, arguments);
  if (drawn != nullptr) {
    model.policy = policy_text(drawn->policy, manifest.graph.classes);
    model.operating_point =
        ReportPoint{fmt::format("budget {:.4g}", drawn->budget), drawn->cost, drawn->accuracy, drawn->shares};
  }
  for (size_t k = 0; k < manifest.graph.exits(); ++k) {
    ReportStage stage;
    stage.exit_name = manifest.graph.stages[k].exit.name;
    stage.trunk_macs = static_cast<double>(cost.stages[k].trunk_macs);
    stage.head_macs = static_cast<double>(cost.stages[k].head_macs);
    stage.cost_fraction = cost.exit_fraction[k];
    stage.has_gate = manifest.graph.stages[k].exit.gate.has_value();
    stage.accuracy = run.result.exit_accuracy[k];
    if (drawn != nullptr) stage.share = drawn->shares[k];
    model.stages.push_back(std::move(stage));
  }
  for (const CurvePoint& point : run.result.curve) {
    model.curve.push_back({point.label, point.cost, point.quality, point.shares});
  }
  model.classes = run.classes;
  model.training = training_series(run.folder);
  model.config = manifest.provenance.config_toml;
  return model;
}

void write_report(const Field& field, const CompareArguments& arguments, const ReportTable& summary,
                  const std::filesystem::path& page) {
  ReportData report;
  const std::vector<Contender>& contenders = field.contenders;
  const Split& split = field.data.splits.by_name(arguments.split);
  const Provenance& first = contenders[0].runs[0].file.manifest.provenance;
  report.title = fmt::format("{} networks on {}", contenders.size(), field.data.data.name);
  report.data_set = field.data.data.name;
  report.split = split.name;
  report.split_hash = split.hash;
  report.samples = static_cast<int64_t>(split.indices.size());
  report.version = first.sooner_version;
  report.cpu = fmt::format("{} ({})", cpu_name(), to_string(cpu_features()));
  report.tables.push_back(summary);
  for (const Contender& contender : contenders) {
    ReportModel model = report_model(contender, arguments);
    if (model.stages.size() == 1) report.references.push_back({contender.name, 1, model.stages[0].accuracy, {}});
    report.models.push_back(std::move(model));
  }
  write_html_report(report, page);
}

bool same_samples(const ModelData& a, const ModelData& b, const std::string& split) {
  return a.data.hash == b.data.hash && a.splits.tune.hash == b.splits.tune.hash &&
         a.splits.by_name(split).hash == b.splits.by_name(split).hash;
}

// Evaluates every run; contenders of the same samples come together, in the order given.
std::vector<Field> evaluate(std::vector<Contender> contenders, const CompareArguments& arguments) {
  std::vector<double> budgets;
  for (const double percents : arguments.budgets) budgets.push_back(percents / 100);
  const ModelOptions options = model_options(arguments.engine);
  std::vector<Field> fields;
  for (Contender& contender : contenders) {
    std::optional<size_t> place;
    for (const std::filesystem::path& folder : contender.folders) {
      ComparedRun compared{
          .folder = folder, .file = load_model(model_path(folder)), .seconds = training_seconds(folder)};
      const Manifest& manifest = compared.file.manifest;
      require_classes(manifest.quantity, "compare", fmt::format("the table with '{}'", folder.string()));
      ModelData own = open_model_data(manifest, arguments.data);
      const auto found = std::ranges::find_if(
          fields, [&](const Field& other) { return same_samples(other.data, own, arguments.split); });
      const auto here = static_cast<size_t>(found - fields.begin());
      if (place && *place != here) {
        fail(Code::kInvalidArgument, "[compare] '{}' was trained on other data or splits than '{}'; name another --out",
             folder.string(), contender.folders[0].string());
      }
      place = here;
      if (here == fields.size()) fields.push_back({std::move(own), {}});
      const ModelData& data = fields[here].data;
      const auto model = Model::from_file(compared.file, options);
      const LogitTable reported = logit_table(model, load_all(manifest, data, data.splits.by_name(arguments.split)));
      compared.result = compare_within_budgets(logit_table(model, load_all(manifest, data, data.splits.tune)), reported,
                                               arguments.policies, budgets);
      if (const BudgetPoint* drawn = drawn_point(compared.result, arguments)) {
        const auto plain_macs = static_cast<double>(model->cost().backbone_macs);
        compared.classes = class_rows(manifest, evaluate(reported, drawn->policy, plain_macs), reported);
      }
      contender.runs.push_back(std::move(compared));
    }
    fields[*place].contenders.push_back(std::move(contender));
  }
  return fields;
}

ReportTable summary_of(const Field& field, const CompareArguments& arguments) {
  ReportTable summary{.caption = "Accuracy within shares of the plain backbone's MACs",
                      .columns = summary_columns(arguments)};
  for (const Contender& contender : field.contenders) summary.rows.push_back(summary_row(contender, arguments));
  const Split& split = field.data.splits.by_name(arguments.split);
  summary.notes = {
      fmt::format("{} of {}, {} samples; means over seeds with 95 % intervals (Student's t).", split.name,
                  field.data.data.name, split.indices.size()),
      fmt::format("Within a budget: the best on tune of {} with thresholds chosen there, and of single exits for "
                  "everybody; the cost beside it is this split's, which may lie a little beyond.",
                  fmt::join(arguments.policies, ", ")),
      "Gates untouched: g >= 0.5; beside them max-prob at equal cost, thresholds and temperatures chosen on tune."};
  return summary;
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

void run(const CompareArguments& arguments) {
  std::vector<Contender> contenders = contenders_of(arguments);
  check(arguments);
  make_folder(arguments.out);
  train_missing(contenders, arguments);
  const std::vector<Field> fields = evaluate(std::move(contenders), arguments);
  Table everything({"data set", "network", "regime", "run", "seed", "chosen by", "policy", "accuracy", "MACs of plain",
                    "exit shares"});
  const std::filesystem::path folder(arguments.out);
  std::vector<std::string> pages;
  for (size_t i = 0; i < fields.size(); ++i) {
    add_long_rows(fields[i], everything);
    const ReportTable summary = summary_of(fields[i], arguments);
    pages.push_back((folder / page_name(fields, i)).string());
    write_report(fields[i], arguments, summary, pages.back());
    if (arguments.form != OutputForm::kText) continue;
    if (i > 0) fmt::print("\n");
    Table table(summary.columns);
    for (const std::vector<std::string>& row : summary.rows) {
      std::vector<Cell> cells;
      for (const std::string& text : row) cells.push_back(cell(text));
      table.add(std::move(cells));
    }
    table.print(OutputForm::kText);
    for (const std::string& note : summary.notes) fmt::print("{}\n", note);
  }
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
  app.add_option("--budgets", arguments->budgets, "percent of the plain backbone's MACs")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--policies", arguments->policies, "whose thresholds may be chosen for a budget")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--split", arguments->split, "that is reported on")->capture_default_str();
  app.add_option("--jobs", arguments->jobs, "trainings at a time")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--threads", arguments->threads, "of one training; 0: every processor");
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
