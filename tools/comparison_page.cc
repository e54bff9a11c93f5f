#include "comparison_page.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cli/shares_text.h"
#include "core/cpu.h"
#include "core/text.h"
#include "eval/interval.h"
#include "graph/cost.h"
#include "network_drawing.h"
#include "report/html_report.h"
#include "report/training_series.h"
#include "run/run_folder.h"

namespace sooner {
namespace {

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

std::vector<std::string> summary_columns(const ComparisonTerms& terms) {
  std::vector<std::string> columns{"network", "regime", "runs", "plain MACs"};
  for (const double budget : terms.budgets) columns.push_back(fmt::format("<= {:.4g} %", budget));
  columns.insert(columns.end(),
                 {"last exit", "gates untouched", "at", "against max-prob there", "minutes of training"});
  return columns;
}

std::vector<std::string> summary_row(const Contender& contender, const ComparisonTerms& terms) {
  const size_t runs = contender.runs.size();
  const Manifest& manifest = contender.runs[0].file.manifest;
  std::vector<std::string> row{contender.name, manifest.provenance.regime, std::to_string(runs),
                               human_count(static_cast<double>(compute_cost(manifest.graph).backbone_macs))};
  for (size_t b = 0; b < terms.budgets.size(); ++b) {
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

std::string budget_text(const BudgetPoint& point) { return fmt::format("budget {:.4g}", point.budget); }

// With its timing, or null.
void for_each_point(const ComparedRun& run, auto visit) {
  size_t at = 0;
  for (const std::optional<BudgetPoint>& point : run.result.budgets) {
    if (!point) continue;
    visit(*point, at < run.timings.size() ? &run.timings[at] : nullptr);
    ++at;
  }
}

// Costs of one backbone are shares of it; those of several are only comparable as they are.
bool one_backbone(const Field& field) {
  const auto plain = [](const Contender& contender) {
    return compute_cost(contender.runs[0].file.manifest.graph).backbone_macs;
  };
  return std::ranges::all_of(field.contenders,
                             [&](const Contender& other) { return plain(other) == plain(field.contenders[0]); });
}

// cost_scale: what a cost of 1 is shown as.
ReportModel report_model(const Contender& contender, const ComparisonTerms& terms, double cost_scale) {
  const ComparedRun& run = contender.runs[0];
  const Manifest& manifest = run.file.manifest;
  const GraphCost cost = compute_cost(manifest.graph);
  ReportModel model;
  model.name = contender.name;
  model.description = fmt::format("{} with {} exits, trained {} for {} epochs; drawn: seed {}.", manifest.graph.name,
                                  manifest.graph.exits(), manifest.provenance.regime, manifest.provenance.epochs,
                                  manifest.provenance.seed);
  model.plain_macs = static_cast<double>(cost.backbone_macs);
  model.cost_scale = cost_scale;
  model.parameters = static_cast<double>(cost.parameters);
  const BudgetPoint* drawn = drawn_point(run.result, terms);
  if (drawn != nullptr) {
    model.policy = policy_text(drawn->policy, manifest.graph.classes);
    model.operating_point = ReportPoint{budget_text(*drawn), drawn->cost * cost_scale, drawn->accuracy, drawn->shares};
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
    model.curve.push_back({point.label, point.cost * cost_scale, point.quality, point.shares, point.front});
  }
  for_each_point(run, [&](const BudgetPoint& point, const Timing* timing) {
    if (timing != nullptr) model.timed.push_back({budget_text(point), timing->median_us, point.accuracy, point.shares});
  });
  model.classes = run.classes;
  model.training = training_series(run.folder);
  model.config = manifest.provenance.config_toml;
  return model;
}

void add_rows(const Field& field, Table& table) {
  for (const Contender& contender : field.contenders) {
    for (const ComparedRun& run : contender.runs) {
      const Provenance& origin = run.file.manifest.provenance;
      const auto plain_macs = static_cast<double>(compute_cost(run.file.manifest.graph).backbone_macs);
      const auto add = [&](const std::string& rule, const std::string& policy, double accuracy, double cost,
                           const std::vector<double>& shares, const Timing* timing = nullptr) {
        table.add({cell(field.data.data.name), cell(contender.name), cell(origin.regime), cell(run.folder.string()),
                   count(static_cast<int64_t>(origin.seed)), cell(rule), cell(policy), percent(accuracy),
                   number(cost, 4), count(std::llround(cost * plain_macs)),
                   cell(shares.empty() ? "-" : shares_text(shares)),
                   timing == nullptr ? cell("-") : number(timing->median_us, 2)});
      };
      for_each_point(run, [&](const BudgetPoint& point, const Timing* timing) {
        add(budget_text(point), point.policy.name, point.accuracy, point.cost, point.shares, timing);
      });
      const auto add_gates = [&](const std::string& rule, const GateResult& gates) {
        add(rule, "gate", gates.point.accuracy, gates.point.cost, gates.point.shares);
        if (gates.rival) add(rule + ", at that cost", "max-prob", *gates.rival, gates.point.cost, {});
      };
      if (run.result.gates) add_gates("untouched", *run.result.gates);
      for (const GateResult& gates : run.result.gates_by_weight) {
        add_gates(fmt::format("untouched, cost weight {:.3g}", gates.point.policy.settings.number("cost_weight")),
                  gates);
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

}  // namespace

const BudgetPoint* drawn_point(const NetworkResult& result, const ComparisonTerms& terms) {
  const BudgetPoint* drawn = nullptr;
  for (size_t b = 0; b < terms.budgets.size(); ++b) {
    if (result.budgets[b] && (drawn == nullptr || terms.budgets[b] <= 75)) drawn = &*result.budgets[b];
  }
  return drawn;
}

ReportTable summary_table(const Field& field, const ComparisonTerms& terms) {
  ReportTable summary{.caption = "Accuracy within shares of the plain backbone's MACs",
                      .columns = summary_columns(terms)};
  for (const Contender& contender : field.contenders) summary.rows.push_back(summary_row(contender, terms));
  const Split& split = field.data.splits.by_name(terms.split);
  summary.notes = {
      fmt::format("{} of {}, {} samples; means over seeds with 95 % intervals (Student's t).", split.name,
                  field.data.data.name, split.indices.size()),
      fmt::format(
          "Within a budget: of {} with thresholds chosen on tune, and of single exits for everybody, the choice "
          "whose kind did best on halves of tune that did not choose; the cost beside it is this split's, which "
          "may lie a little beyond.",
          fmt::join(terms.policies, ", ")),
      "Gates untouched: g >= 0.5; beside them max-prob at equal cost, thresholds and temperatures chosen on tune."};
  return summary;
}

ReportTable timing_table(const Field& field) {
  ReportTable table{.caption = "Measured time per image",
                    .columns = {"network", "within", "accuracy", "MACs of plain", "us per image", "99 % below",
                                "ratio to the first", "exit shares"}};
  for (const Contender& contender : field.contenders) {
    for_each_point(contender.runs[0], [&](const BudgetPoint& point, const Timing* timing) {
      if (timing == nullptr) return;
      table.rows.push_back({contender.name, budget_text(point), fmt::format("{:.2f} %", 100 * point.accuracy),
                            fmt::format("{:.3f}", point.cost), fmt::format("{:.1f}", timing->median_us),
                            fmt::format("{:.1f}", timing->call_p99_us), fmt::format("{:.3f}", timing->ratio),
                            shares_text(point.shares)});
    });
  }
  table.notes = {"One image at a time on one thread, networks taking turns; each network's first run."};
  return table;
}

Table point_table(const std::vector<Field>& fields) {
  Table table({"data set", "network", "regime", "run", "seed", "chosen by", "policy", "accuracy", "MACs of plain",
               "mean MACs", "exit shares", "us per image"});
  for (const Field& field : fields) add_rows(field, table);
  return table;
}

void write_comparison_page(const Field& field, const ComparisonTerms& terms, const std::filesystem::path& page) {
  ReportData report;
  const std::vector<Contender>& contenders = field.contenders;
  const Split& split = field.data.splits.by_name(terms.split);
  const Provenance& first = contenders[0].runs[0].file.manifest.provenance;
  report.title = fmt::format("{} networks on {}", contenders.size(), field.data.data.name);
  report.data_set = field.data.data.name;
  report.split = split.name;
  report.split_hash = split.hash;
  report.samples = static_cast<int64_t>(split.indices.size());
  report.version = first.sooner_version;
  report.cpu = fmt::format("{} ({})", cpu_name(), to_string(cpu_features()));
  report.tables.push_back(summary_table(field, terms));
  if (ReportTable timings = timing_table(field); !timings.rows.empty()) report.tables.push_back(std::move(timings));
  const bool shares = one_backbone(field);
  if (!shares) report.cost_unit = "millions of multiply-accumulates";
  for (const Contender& contender : contenders) {
    const auto plain = static_cast<double>(compute_cost(contender.runs[0].file.manifest.graph).backbone_macs);
    ReportModel model = report_model(contender, terms, shares ? 1 : plain / 1e6);
    if (model.stages.size() == 1) {
      report.references.push_back({contender.name, model.cost_scale, model.stages[0].accuracy, {}});
    }
    report.models.push_back(std::move(model));
  }
  write_html_report(report, page);
}

}  // namespace sooner
